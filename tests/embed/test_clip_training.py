from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import open_clip
import pytest
import torch
from click.testing import CliRunner

from sem_curate.bench.encoders.phrasing import HELD_OUT
from sem_curate.cli.train import command
from sem_curate.embed.encoders import get_encoder
from sem_curate.embed.tokenizer import normalise
from sem_curate.embed.training import checkpoint, clip, clip_command, clip_material, lessons, lexicon
from sem_curate.embed.training.clip_loop import ClipConfig
from sem_curate.embed.training.clip_loss import Temperature, truth_loss
from sem_curate.errors import EncoderError, InputError
from sem_curate.rendering.captions import CONCEPTS

SMALL = ClipConfig(steps=8, batch=8, sizes=((1.0, 32),), mixed=False, check_every=2)


@pytest.fixture(scope="module")
def rendered() -> lessons.Rendered:
    images, facts = clip_material._render_chunk(range(48), seed=3, views=2, size=32)
    return lessons.Rendered(images, facts)


@pytest.fixture(scope="module")
def trained(rendered: lessons.Rendered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    clip.train([rendered], folder, SMALL, clip.opening(None), described={"particles": 48, "views_per_particle": 2})
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filepath", "captions"])
        for number in range(12):
            cv2.imwrite(str(folder / f"{number}.png"), rng.integers(0, 255, (40, 30), dtype=np.uint8))
            writer.writerow([f"{number}.png", "popcorn | ポップコーン状" if number % 2 else "grey powder"])
        writer.writerow(["not-there.png", "popcorn"])
        writer.writerow(["0.png", ""])
    return folder


def test_truth_loss_by_hand() -> None:
    logits = torch.tensor([[2.0], [0.0], [-1.0]])
    truth, known = torch.tensor([[True], [False], [False]]), torch.ones(3, 1, dtype=torch.bool)
    odds = np.log1p(np.exp(-2)) + (np.log1p(np.exp(0)) + np.log1p(np.exp(-1))) / 2
    ranking = np.log(np.exp(2) + np.exp(0) + np.exp(-1)) - 2
    assert float(truth_loss(logits, truth, known)) == pytest.approx((odds + ranking) / 2, rel=1e-5)


def test_truth_loss_looks_away_where_nobody_knows() -> None:
    logits = torch.tensor([[2.0], [0.0], [9.0]])
    truth, known = torch.tensor([[True], [False], [False]]), torch.tensor([[True], [True], [False]])
    assert float(truth_loss(logits, truth, known)) == pytest.approx(
        float(truth_loss(logits[:2], truth[:2], known[:2])), rel=1e-6
    )


def test_texts_that_are_true_of_every_image_must_not_rank_them() -> None:
    logits = torch.tensor([[1.0, 2.0], [1.0, -1.0], [1.0, 5.0]], requires_grad=True)
    loss = truth_loss(logits, torch.ones(3, 2, dtype=torch.bool), torch.ones(3, 2, dtype=torch.bool))
    assert float(loss.detach()) == pytest.approx((0 + 9) / 2)
    torch.autograd.backward(loss)
    assert logits.grad is not None
    assert not logits.grad[:, 0].any()


def test_truth_loss_of_texts_that_tell_nothing_is_zero_and_differentiable() -> None:
    logits = torch.zeros(3, 2, requires_grad=True)
    loss = truth_loss(logits, torch.tensor([[True, False]] * 3), torch.ones(3, 2, dtype=torch.bool))
    torch.autograd.backward(loss)
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_another_image_of_which_a_text_is_true_is_no_rival() -> None:
    together = torch.tensor([[3.0], [3.0], [-3.0]])
    shared = torch.tensor([[True], [True], [False]])
    alone = torch.tensor([[True], [False], [False]])
    known = torch.ones(3, 1, dtype=torch.bool)
    assert float(truth_loss(together, shared, known)) < 0.1 < float(truth_loss(together, alone, known))


def test_temperature_turns_cosines_into_log_odds() -> None:
    unit = torch.nn.functional.normalize(torch.randn(3, 4), dim=1)
    np.testing.assert_allclose(Temperature()(unit, unit).diagonal().detach(), 10.0, rtol=1e-5)


def test_every_text_of_a_lesson_is_true_of_an_image_of_it(rendered: lessons.Rendered) -> None:
    rng = np.random.default_rng(0)
    for changed in (False, True):
        rows = rendered.draw(24, rng)
        assert len(rows) == 24
        assert rows.min() >= rendered.held
        lesson = rendered.lesson(rows, rng, changed=changed)
        assert lesson.truth.shape == lesson.known.shape == (24, len(lesson.texts))
        assert lesson.truth.any(axis=0).all()


def test_strong_changes_are_not_asked_about_faults(rendered: lessons.Rendered) -> None:
    rng = np.random.default_rng(1)
    lesson = rendered.lesson(rendered.draw(32, rng), rng, changed=True)
    told = " ".join(lesson.texts).lower()
    assert not any(word in told for word in ("blurred", "ノイズ", "scale bar", "backscatter", "fills the frame"))


def test_a_sentence_is_true_where_all_it_tells_is(rendered: lessons.Rendered) -> None:
    both = rendered.facts[:, lessons.CODES.index("needle")] & rendered.facts[:, lessons.CODES.index("elongated")]
    assert both.sum() == rendered.facts[:, lessons.CODES.index("needle")].sum() > 0
    opposite = rendered.facts[:, lessons.CODES.index("no_blur")]
    np.testing.assert_array_equal(opposite, ~rendered.facts[:, lessons.CODES.index("blur")])


def test_lexicon_speaks_of_known_concepts_and_is_tidy() -> None:
    assert set(lexicon.MORE) <= set(CONCEPTS)
    assert {code.removeprefix("no_") for code in lexicon.OPPOSITES} <= set(CONCEPTS)
    for table in (lexicon.MORE, lexicon.OPPOSITES):
        for entry in table.values():
            for words in entry.values():
                assert all(word == word.strip() and word for word in words)
                assert len(set(words)) == len(words)


def test_training_writes_an_encoder_of_both_languages(trained: Path) -> None:
    encoder = get_encoder(f"trained:{trained}")
    texts = encoder.embed_texts(["needle-like particle", "針状粒子", "球状", "海綿状"])
    assert np.linalg.matrix_rank(texts) == 4
    config = json.loads((trained / "config.json").read_text(encoding="utf-8"))
    assert config["training"]["steps"] == 7
    assert 0 <= config["training"]["held_out_map"] <= 1
    assert "48 rendered particles with 2 views each" in (trained / "README.md").read_text(encoding="utf-8")
    assert not (trained / checkpoint.NAME).exists()


def test_a_seed_gives_the_same_weights(rendered: lessons.Rendered, trained: Path, tmp_path: Path) -> None:
    clip.train([rendered], tmp_path, SMALL, clip.opening(None), described={"particles": 48, "views_per_particle": 2})
    assert (tmp_path / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


@pytest.mark.parametrize("checks", [1, 3])
def test_a_run_that_was_cut_off_goes_on_to_the_same_weights(
    rendered: lessons.Rendered, trained: Path, tmp_path: Path, checks: int
) -> None:
    config = ClipConfig(steps=8, batch=8, sizes=((1.0, 32),), mixed=False, check_every=2, checkpoint_minutes=1e-9)
    seen: list[int] = []

    def cut(step: int, measured: dict[str, float]) -> None:
        seen.append(step)
        if len(seen) == checks:
            raise KeyboardInterrupt

    described = {"particles": 48, "views_per_particle": 2}
    opened = clip.opening(None)
    with pytest.raises(KeyboardInterrupt):
        clip.train([rendered], tmp_path, config, opened, described=described, track=cut)
    assert len(checkpoint.facts(tmp_path)["standings"]) == {1: 1, 3: 2}[checks]
    with pytest.raises(EncoderError, match="other settings"):
        clip.train([rendered], tmp_path, ClipConfig(steps=5, batch=8), opened, described=described)
    clip.train([rendered], tmp_path, config, opened, described=described)
    assert (tmp_path / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


def test_training_on_own_images_from_a_trained_encoder_keeps_some_of_it(
    trained: Path, own: Path, tmp_path: Path
) -> None:
    result = clip_command.run(
        out=tmp_path / "kept", images=own, start=str(trained), keep=0.5, steps=2, batch=4, exact=True
    )
    assert (result["own_images"], result["unreadable"], result["steps"]) == (12, 1, 2)
    card = (tmp_path / "kept" / "README.md").read_text(encoding="utf-8")
    assert "12 own images with captions" in card
    assert "before that 48 rendered particles" in card
    old, whole, kept = (
        get_encoder(f"trained:{folder}").embed_texts(["針状"])[0]
        for folder in (trained, _again(own, trained, tmp_path), tmp_path / "kept")
    )
    assert float(old @ whole) < float(old @ kept) < 1


def _again(own: Path, trained: Path, tmp_path: Path) -> Path:
    clip_command.run(out=tmp_path / "whole", images=own, start=str(trained), steps=2, batch=4, exact=True)
    return tmp_path / "whole"


def test_mixing_weights() -> None:
    old = {"a": torch.tensor([0.0, 4.0]), "n": torch.tensor(3), "mask": torch.tensor([-torch.inf])}
    new = {"a": torch.tensor([2.0, 0.0]), "n": torch.tensor(5), "mask": torch.tensor([-torch.inf])}
    mixed = clip.mix(old, new, 0.25)
    assert mixed["a"].tolist() == [1.5, 1.0]
    assert (int(mixed["n"]), float(mixed["mask"][0])) == (5, -np.inf)


def test_nothing_to_keep(rendered: lessons.Rendered, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="reads images and texts"):
        clip.train([rendered], tmp_path, SMALL, clip.opening("bundled:sem-dino"), keep=0.5)


def test_a_locked_image_tower_stays_as_it_was(rendered: lessons.Rendered, trained: Path, tmp_path: Path) -> None:
    clip.train([rendered], tmp_path, SMALL, clip.opening(trained), lock=True)
    before, after = (get_encoder(f"trained:{folder}") for folder in (trained, tmp_path))
    image = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    np.testing.assert_array_equal(*(one.embed_images(one.preprocess(image)[None]) for one in (before, after)))
    assert not np.allclose(before.embed_texts(["針状"]), after.embed_texts(["針状"]))


def test_the_bundled_dino_gives_the_image_tower(rendered: lessons.Rendered) -> None:
    opened = clip.opening("bundled:sem-dino")
    begin = opened.build(rendered.texts())
    dino = get_encoder("bundled:sem-dino")
    name = "layer1.0.conv1.weight"
    torch.testing.assert_close(begin.model.visual.state_dict()[name], dino._model.state_dict()[name])  # type: ignore[attr-defined]
    assert not opened.whole


def test_training_on_from_an_open_clip_checkpoint(own: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = tmp_path / "tiny.pt"
    architecture = "test-tiny"
    described = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    }
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / f"{architecture}.json").write_text(json.dumps(described), encoding="utf-8")
    open_clip.add_model_config(tmp_path / "configs")
    torch.save(open_clip.create_model(architecture).state_dict(), weights)
    result = clip_command.run(
        out=tmp_path / "out", images=own, start=f"open_clip:{architecture}/{weights}", keep=0.5, steps=2, batch=4
    )
    encoder = get_encoder(result["encoder"])
    assert (encoder.dim, encoder.supports_text) == (16, True)
    assert np.isfinite(encoder.embed_texts(["popcorn"])).all()
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert architecture in card
    assert str(tmp_path) not in card


def test_own_images_need_captions(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.csv"):
        clip_material.own(tmp_path, size=32)
    (tmp_path / "manifest.csv").write_text("filepath,label\na.png,x\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns filepath and captions"):
        clip_material.own(tmp_path, size=32)
    (tmp_path / "manifest.csv").write_text("filepath,captions\na.png,x\n", encoding="utf-8")
    with pytest.raises(InputError, match="0 readable images with captions, 1 could not be read"):
        clip_material.own(tmp_path, size=32)


def test_a_caption_is_true_of_the_images_that_carry_it(own: Path) -> None:
    captioned, failed = clip_material.own(own, size=32)
    assert failed == 1
    rng = np.random.default_rng(0)
    lesson = captioned.lesson(captioned.draw(8, rng), rng, changed=True)
    assert set(lesson.texts) <= {"popcorn", "ポップコーン状", "grey powder"}
    assert lesson.truth.any(axis=0).all()
    assert "popcorn" in captioned.texts()


def test_rendering_is_kept_and_another_set_is_refused(tmp_path: Path) -> None:
    first = clip_material.rendered(tmp_path, 16, seed=1, views=2, size=32)
    again = clip_material.rendered(tmp_path, 16, seed=1, views=2, size=32)
    np.testing.assert_array_equal(first.images, again.images)
    with pytest.raises(InputError, match="not 20 with 2 of 32"):
        clip_material.rendered(tmp_path, 20, seed=1, views=2, size=32)
    with pytest.raises(InputError, match="at least 8 particles"):
        clip_material.rendered(tmp_path / "new", 2, seed=1, views=2, size=32)


def test_nothing_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        clip_command.run(out=tmp_path, particles=0)


def test_the_command_says_what_it_did(own: Path, trained: Path, tmp_path: Path) -> None:
    given = ["clip", "--images", str(own), "--start", str(trained), "--steps", "1", "--batch", "4", "--json"]
    result = CliRunner().invoke(command, [*given, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["own_images"] == 12


def test_vocabulary_holds_every_word_of_the_lexicon() -> None:
    pieces = set(clip.build_vocabulary(lessons.every_phrase()))
    assert {"particle", "粒子", "粒", "honeycomb", "海"} <= pieces


def test_phrases_that_the_benchmark_keeps_for_itself_are_in_no_training_text() -> None:
    known = {normalise(phrase) for phrase in lessons.every_phrase()}
    assert set(HELD_OUT) <= set(CONCEPTS)
    for languages in HELD_OUT.values():
        for phrases in languages.values():
            assert not known & {normalise(phrase) for phrase in phrases}
