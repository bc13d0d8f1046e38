"""What a user would pick instead, of our dimensions: 3 + 2 layers of 64, patches of 8x8.

Each peer reads greedily, (batch, height, width) -> tokens (batch, STEPS), and gives the logits of
teacher forcing, which is all that a benchmark needs. None is trained: all take STEPS steps.
"""

import dataclasses
import math
import warnings

import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, VisionEncoderDecoderModel, ViTConfig, ViTModel
from vit_pytorch.vit import Transformer as ViTLayers
from x_transformers import AutoregressiveWrapper, Decoder, TransformerWrapper

from mnist_transformer import Config, Transformer
from mnist_transformer.config import END, PAD, START, VOCABULARY_SIZE

CONFIG = Config(dropout=0.0)
STEPS = CONFIG.max_steps
SIZE = (CONFIG.canvas_height, CONFIG.canvas_width)


class TorchPeer(nn.Module):
    """`torch.nn.Transformer`, and the loop that most write: all tokens decoded again each step."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, CONFIG.model_dim, CONFIG.patch_size, CONFIG.patch_size)
        self.place = nn.Parameter(torch.randn(CONFIG.num_patches, CONFIG.model_dim) * 0.02)
        self.token = nn.Embedding(VOCABULARY_SIZE, CONFIG.model_dim)
        self.position = nn.Parameter(torch.randn(STEPS, CONFIG.model_dim) * 0.02)
        self.transformer = nn.Transformer(
            CONFIG.model_dim,
            CONFIG.num_heads,
            CONFIG.encoder_layers,
            CONFIG.decoder_layers,
            CONFIG.mlp_dim,
            dropout=0.0,
            batch_first=True,
        )
        self.to_logits = nn.Linear(CONFIG.model_dim, VOCABULARY_SIZE)

    def memory(self, canvases: Tensor) -> Tensor:
        patches = self.patches(canvases.unsqueeze(1)).flatten(2).transpose(1, 2)
        return self.transformer.encoder(patches + self.place)

    def decode(self, tokens: Tensor, memory: Tensor) -> Tensor:
        length = tokens.shape[1]
        mask = torch.full((length, length), -math.inf).triu(1)
        x = self.token(tokens) + self.position[:length]
        return self.to_logits(self.transformer.decoder(x, memory, tgt_mask=mask))

    def forward(self, canvases: Tensor, tokens: Tensor) -> Tensor:
        return self.decode(tokens, self.memory(canvases))

    def read(self, canvases: Tensor) -> Tensor:
        memory = self.memory(canvases)
        tokens = torch.full((len(canvases), 1), START)
        for _ in range(STEPS):
            newest = self.decode(tokens, memory)[:, -1].argmax(-1)
            tokens = torch.cat([tokens, newest[:, None]], 1)
        return tokens[:, 1:]


class HuggingFacePeer(nn.Module):
    """`VisionEncoderDecoderModel` of a ViT and a GPT-2, with its own `generate` and cache."""

    def __init__(self):
        super().__init__()
        shape = dict(hidden_size=CONFIG.model_dim, num_attention_heads=CONFIG.num_heads)
        encoder = ViTConfig(
            **shape,
            num_hidden_layers=CONFIG.encoder_layers,
            intermediate_size=CONFIG.mlp_dim,
            image_size=SIZE,
            patch_size=CONFIG.patch_size,
            num_channels=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        decoder = GPT2Config(
            vocab_size=VOCABULARY_SIZE,
            n_positions=STEPS + 1,
            n_embd=CONFIG.model_dim,
            n_layer=CONFIG.decoder_layers,
            n_head=CONFIG.num_heads,
            n_inner=CONFIG.mlp_dim,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=START,
            eos_token_id=END,
            add_cross_attention=True,
            is_decoder=True,
        )
        vit = ViTModel(encoder, add_pooling_layer=False)
        self.model = VisionEncoderDecoderModel(encoder=vit, decoder=GPT2LMHeadModel(decoder))
        self.model.config.decoder_start_token_id = START
        self.model.config.pad_token_id = PAD

    def forward(self, canvases: Tensor, tokens: Tensor) -> Tensor:
        return self.model(pixel_values=canvases.unsqueeze(1), decoder_input_ids=tokens).logits

    def read(self, canvases: Tensor) -> Tensor:
        return self.model.generate(
            canvases.unsqueeze(1),
            do_sample=False,
            num_beams=1,
            min_new_tokens=STEPS,
            max_new_tokens=STEPS,
            decoder_start_token_id=START,
            pad_token_id=PAD,
            eos_token_id=END,
        )[:, 1:]


class LucidrainsPeer(nn.Module):
    """vit-pytorch's encoder and x-transformers' decoder with its own cached `generate`."""

    def __init__(self):
        super().__init__()
        head_dim = CONFIG.model_dim // CONFIG.num_heads
        self.patches = nn.Conv2d(1, CONFIG.model_dim, CONFIG.patch_size, CONFIG.patch_size)
        self.place = nn.Parameter(torch.randn(CONFIG.num_patches, CONFIG.model_dim) * 0.02)
        self.encoder = ViTLayers(
            CONFIG.model_dim, CONFIG.encoder_layers, CONFIG.num_heads, head_dim, CONFIG.mlp_dim
        )
        decoder = Decoder(
            dim=CONFIG.model_dim,
            depth=CONFIG.decoder_layers,
            heads=CONFIG.num_heads,
            attn_dim_head=head_dim,
            cross_attend=True,
            attn_flash=True,
        )
        self.decoder = AutoregressiveWrapper(
            TransformerWrapper(
                num_tokens=VOCABULARY_SIZE, max_seq_len=STEPS + 1, attn_layers=decoder
            ),
            pad_value=PAD,
        )

    def memory(self, canvases: Tensor) -> Tensor:
        patches = self.patches(canvases.unsqueeze(1)).flatten(2).transpose(1, 2)
        return self.encoder(patches + self.place)

    def forward(self, canvases: Tensor, tokens: Tensor) -> Tensor:
        return self.decoder.net(tokens, context=self.memory(canvases))

    def read(self, canvases: Tensor) -> Tensor:
        start = torch.full((len(canvases), 1), START)
        return self.decoder.generate(
            start, STEPS, context=self.memory(canvases), temperature=0.0, cache_kv=True
        )


def linear_patches() -> Transformer:
    """Our own model with the peers' input: patches that become vectors by one linear map."""
    model = Transformer(dataclasses.replace(CONFIG, stem_channels=())).eval()
    with torch.no_grad():
        model.decoder.to_logits.bias[END] = -1e9  # it takes STEPS steps, too
    return model


def peers() -> dict[str, nn.Module]:
    """Every peer by name, ready to read."""
    warnings.filterwarnings("ignore")  # theirs, about themselves
    torch.manual_seed(0)
    return {
        "torch.nn.Transformer, without a cache": TorchPeer().eval(),
        "Hugging Face VisionEncoderDecoder, cache": HuggingFacePeer().eval(),
        "vit-pytorch + x-transformers, cache": LucidrainsPeer().eval(),
    }
