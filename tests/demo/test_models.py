"""Any model on the page: all that is shown is made by the one that was chosen."""

import io

import pytest
import torch
from streamlit.testing.v1 import AppTest

from demo import link, models
from mnist_transformer import CheckpointError, Transformer, load_transformer
from mnist_transformer.checkpoint import CLASSIFIER_WEIGHTS, GRID_WEIGHTS, save_model
from mnist_transformer.config import END, Config
from tests import ROOT
from tests.demo.parts import DRAWN_ON_A_DESKTOP, part, sent, stage

SMALL = Config(
    canvas_width=128,
    model_dim=32,
    num_heads=2,
    mlp_dim=48,
    encoder_layers=1,
    decoder_layers=1,
    max_digits=4,
)


@pytest.fixture(scope="module")
def other():
    """A model of another shape, which knows nothing and so reads other digits."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = Transformer(SMALL).eval()
    with torch.no_grad():
        model.decoder.to_logits.bias[END] = -9.0
    assert model.read(ROOT / "demo" / "examples" / "2026.png").digits not in ("", "2026")
    return model


def opened(other, **state):
    """The page as it is once weights of that model were uploaded, with a drawing of two strokes."""
    page = AppTest.from_file(str(ROOT / "demo" / "app.py"), default_timeout=120)
    page.query_params["drawing"] = DRAWN_ON_A_DESKTOP
    page.session_state.upload_model, page.session_state.upload_name = other, "file small"
    page.session_state.model = models.UPLOADED
    for name, value in state.items():
        page.session_state[name] = value
    page.run()
    assert not page.exception
    return page


def test_the_whole_page_is_about_the_model_that_is_chosen(other):
    page = opened(other)
    read = other.read_page(drawn()).digits
    assert stage(page)["digits"] == part(page, "strip")["digits"] == read != "27"
    boxes = [box["name"] for box in part(page, "strip")["parts"]]
    assert "encoder 1" in boxes and "encoder 2" not in boxes
    page.session_state["model"] = models.SHIPPED
    page.run()
    assert stage(page)["digits"] == part(page, "strip")["digits"] == "27"
    boxes = [box["name"] for box in part(page, "strip")["parts"]]
    assert "encoder 4" in boxes
    page.session_state["model"] = models.UPLOADED
    page.run()
    assert stage(page)["digits"] == read


def drawn():
    return link.picture(*link.decode(DRAWN_ON_A_DESKTOP))


@pytest.mark.parametrize("name", ["stem", "encoder 1", "decoder 1 cross", "memory", "answer"])
def test_every_part_of_a_model_of_another_shape_opens(other, name):
    page = opened(other, strip={"opened": name})
    assert part(page, "detail")["part"]["name"] == name
    assert not page.exception


@pytest.mark.parametrize(
    ("section", "way"),
    [
        ("change", ""),
        ("intervene", ""),
        ("apart", "The receipt"),
        ("apart", "Paint the gaze"),
        ("apart", "Swap a thought"),
        ("apart", "Pen time"),
    ],
)
def test_every_section_takes_a_model_of_another_shape_and_then_the_shipped_one(other, section, way):
    page = opened(other, **({"way": way} if way else {}))
    page.query_params["only"] = f"stage,{section}"
    for name in (models.UPLOADED, models.SHIPPED, models.UPLOADED):
        page.session_state["model"] = name
        page.run()
        assert not page.exception and not page.error


def test_a_drawing_that_was_kept_is_read_by_the_model_that_is_chosen_now(other):
    page = opened(other, way="Swap a thought")
    page.query_params["only"] = "stage,apart"
    page.session_state["model"] = models.SHIPPED
    page.run()
    next(button for button in page.button if button.label.startswith("Keep")).click().run()
    page.session_state["model"] = models.UPLOADED
    page.run()
    assert not page.exception
    reading, model = page.session_state["kept"]
    assert model is other and reading.maps.cross.shape[0] == 1


def test_what_is_off_in_parts_that_another_model_lacks_is_forgotten_and_said(other):
    page = opened(other)
    page.session_state["model"] = models.SHIPPED
    page.session_state.changes = {"off": ["encoder 4", "decoder 1"], "blurred": []}
    page.run()
    assert not page.toast
    page.session_state["model"] = models.UPLOADED
    with sent() as names:
        page.run()
    assert page.session_state.changes == {"off": ["decoder 1"], "blurred": []}
    assert "encoder 4" in page.toast[0].value
    # A browser keeps both in one place: the style would be missing until it is sent again.
    assert names.index("html") < names.index("toast")
    page.run()
    assert not page.toast


def test_a_model_that_is_gone_gives_way_to_the_shipped_one(other):
    page = opened(other)
    del page.session_state["upload_model"]
    page.run()
    assert page.session_state["model"] == models.SHIPPED
    assert stage(page)["digits"] == "27"


class File(io.BytesIO):
    """As Streamlit gives an upload."""

    def __init__(self, data, name="mine.safetensors"):
        super().__init__(data)
        self.name, self.size = name, len(data)


def test_weights_come_back_from_a_file_as_they_were(other, tmp_path):
    save_model(other, tmp_path / "saved.safetensors")
    again = models._load(File((tmp_path / "saved.safetensors").read_bytes()))
    assert again.config == other.config
    assert again.read(drawn()).digits == other.read(drawn()).digits


def test_files_that_the_page_cannot_be_about_are_refused_with_a_reason(tmp_path):
    shipped = tmp_path / "shipped.safetensors"
    save_model(load_transformer(), shipped)
    wide = tmp_path / "wide.safetensors"
    config = Config(canvas_width=64 * 224, model_dim=8, num_heads=1, mlp_dim=8)
    save_model(Transformer(config), wide)
    for data, reason in [
        (shipped.read_bytes()[:5000], "mine.safetensors is damaged"),
        (b"", "mine.safetensors is damaged"),
        (bytes(models.LARGEST_WEIGHTS + 1), "mine.safetensors is larger than any model"),
        (CLASSIFIER_WEIGHTS.read_bytes(), "holds a classifier"),
        (GRID_WEIGHTS.read_bytes(), "digits that stand in a square"),
        (wide.read_bytes(), "more than the page can show"),
    ]:
        with pytest.raises(CheckpointError, match=reason) as error:
            models._load(File(data))
        assert str(tmp_path) not in str(error.value)
