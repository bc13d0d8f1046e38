"""What a step learns from, and what it moves."""

import copy
import dataclasses

import pytest
import torch

from mnist_transformer import Classifier, Config, Transformer
from mnist_transformer.config import END, GRID_CONFIG, PAD
from mnist_transformer.training.objectives import TransformerObjective, fit_ctc_head
from mnist_transformer.training.optimizers import layer_matrices, make_optimizers, running_mean


@pytest.fixture
def objective(model):
    return TransformerObjective(model, ctc_weight=0.3)


def test_a_short_canvas_at_its_place_gives_the_features_of_the_whole_there(small_config):
    torch.manual_seed(0)
    config = dataclasses.replace(small_config, canvas_width=224)
    patches = Transformer(config).eval().encoder.patches
    for parameter in (patches.row_position, patches.column_position):
        torch.nn.init.normal_(parameter)  # as if learned: no two places alike
    whole = torch.rand(2, 32, 224)
    features = patches(whole).unflatten(1, (4, 28))
    for first_column in (0, 5, 16):
        short = whole[:, :, 8 * first_column : 8 * (first_column + 12)]
        at_its_place = patches(short, first_column).unflatten(1, (4, 12))
        # Three columns from an end, no convolution sees beyond it.
        expected = features[:, :, first_column + 3 : first_column + 9]
        torch.testing.assert_close(at_its_place[:, :, 3:9], expected)
        elsewhere = patches(short, first_column + 1 if first_column < 16 else 15)
        assert not torch.allclose(elsewhere.unflatten(1, (4, 12))[:, :, 3:9], expected, atol=0.1)


def test_ctc_wants_the_digits_from_left_to_right_and_row_by_row():
    config = dataclasses.replace(GRID_CONFIG, model_dim=16, encoder_layers=1, decoder_layers=1)
    objective = TransformerObjective(Transformer(config), ctc_weight=1.0)
    # A head that takes a column of 8x8 patches for the digit that its feature tells.
    with torch.no_grad():
        objective.ctc.weight.copy_(20 * torch.eye(END + 1, 16))
        objective.ctc.bias.zero_()
    columns = torch.full((2, 8), END)  # the grid's two rows, blank but for
    columns[0, 1], columns[0, 6], columns[1, 2], columns[1, 5] = 3, 1, 4, 1
    features = torch.nn.functional.one_hot(columns, 16).float()
    memory = features[:, None].expand(2, 4, 8, 16).reshape(1, 64, 16)

    def loss(*digits):
        targets = torch.tensor([[*digits, END, PAD]])
        return objective.ctc_loss(memory, targets).item()

    assert loss(3, 1, 4, 1) < 0.01
    for wrong in ((4, 1, 3, 1), (1, 3, 1, 4), (3, 4, 1, 1), (3, 1, 4), (3, 1, 4, 1, 1)):
        assert loss(*wrong) > 1


def test_a_new_ctc_head_is_fitted_and_nothing_else(model, lines):
    torch.manual_seed(1)
    objective = TransformerObjective(model, ctc_weight=0.3)
    before = copy.deepcopy(model.state_dict())
    canvases, tokens = lines

    def loss():
        with torch.no_grad():
            return objective.ctc_loss(model.encoder(canvases), tokens[:, 1:]).item()

    first = loss()
    fit_ctc_head(objective, [lines] * 60)
    assert loss() < 0.8 * first
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_muon_takes_the_matrices_of_the_layers_and_adamw_the_rest(objective):
    names = {id(p): name for name, p in objective.named_parameters()}
    adamw, muon = make_optimizers(objective, 0.001, "muon")
    taken = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    left = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    attention = [f"{part}.weight" for part in ("query", "key", "value", "output")]
    mlp = ["mlp.expand.weight", "mlp.contract.weight"]
    encoder = [*(f"attention.{name}" for name in attention), *mlp]
    decoder = [
        *(f"{place}_attention.{name}" for place in ("self", "cross") for name in attention),
        *mlp,
    ]
    assert taken == {
        *(f"model.encoder.layers.0.{name}" for name in encoder),
        *(f"model.decoder.layers.{n}.{name}" for n in range(2) for name in decoder),
    }
    assert taken | left == set(names.values()) and not taken & left
    assert muon.defaults["lr"] == pytest.approx(3 * adamw.defaults["lr"])


def test_adamw_alone_takes_everything(objective):
    (adamw,) = make_optimizers(objective, 0.001, "adamw")
    taken = [p for group in adamw.param_groups for p in group["params"]]
    assert {*map(id, taken)} == {*map(id, objective.parameters())}


def test_the_classifier_gives_muon_its_encoders_matrices(small_config):
    model = Classifier(dataclasses.replace(small_config, canvas_width=32))
    assert len(layer_matrices(model)) == 6


def test_muon_without_layers_is_refused(objective):
    objective.model.encoder.layers = torch.nn.ModuleList()
    objective.model.decoder.layers = torch.nn.ModuleList()
    with pytest.raises(ValueError, match="this model has none"):
        make_optimizers(objective, 0.001, "muon")


def test_the_running_mean_moves_faster_in_the_first_steps(model):
    mean = running_mean(model, decay=0.5)
    expected = copy.deepcopy(model.decoder.to_logits.bias.detach())
    for step in range(1, 20):
        with torch.no_grad():
            model.decoder.to_logits.bias.normal_()
        mean.update_parameters(model)
        decay = min(0.5, step / (step + 10))
        expected = decay * expected + (1 - decay) * model.decoder.to_logits.bias.detach()
        torch.testing.assert_close(mean.module.decoder.to_logits.bias.detach(), expected)


def test_the_running_mean_takes_batch_norms_statistics_too(small_config):
    model = Transformer(small_config)
    mean = running_mean(model, decay=0.9)
    norm, mean_norm = model.encoder.patches.stem[1], mean.module.encoder.patches.stem[1]
    before = norm.running_mean.clone()
    model.encoder(torch.rand(4, 32, 96))
    mean.update_parameters(model)
    expected = before / 11 + norm.running_mean * 10 / 11
    torch.testing.assert_close(mean_norm.running_mean, expected)
    assert mean_norm.num_batches_tracked == norm.num_batches_tracked == 1


def test_post_norm_reads_the_same_cached_and_whole():
    torch.manual_seed(0)
    config = Config(canvas_width=32, model_dim=16, mlp_dim=16, norm_first=False)
    model = Transformer(config).eval()
    canvases, tokens = torch.rand(2, 32, 32), torch.tensor([[11, 1, 2], [11, 3, 4]])
    with torch.no_grad():
        whole = model(canvases, tokens)
        caches = model.decoder.init_cache(model.encoder(canvases))
        for position in range(3):
            step = model.decoder.step(tokens[:, position], position, caches)
            torch.testing.assert_close(step, whole[:, position])
        # A layer that normalises the sum gives vectors of length sqrt(16), whatever it read.
        for state in model.encoder.hidden_states(canvases)[1:]:
            assert (state.norm(dim=-1) - 4).abs().max() < 0.001
