import pytest

from perturber.attack import Attack
from perturber.errors import InvalidInputError
from perturber.training import Recipe, log_spaced, parse_attack, parse_kind


def test_a_recipe_survives_json() -> None:
    recipe = Recipe(kind="adversarial", base="tiny", attack="pgd(linf=0.03,steps=3)", freeze=("a",), checkpoints=(1, 2))
    again = Recipe.model_validate_json(recipe.model_dump_json())
    assert again == recipe
    assert again.digest == recipe.digest
    assert again.attack == Attack(model="trained", norm="linf", epsilon=0.03, steps=3)
    assert Recipe(kind="adversarial", base="tiny", seed=1).digest != Recipe(kind="adversarial", base="tiny").digest


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": "robust"}, "kind cannot be 'robust'"),
        ({"steps": 0}, "steps cannot be '0'"),
        ({"distil": 1.5}, "distil cannot be '1.5'"),
        ({"epochs": 3}, "epochs cannot be '3'"),
        ({"attack": "pgd(l2=0.5"}, "Not an attack"),
        ({"attack": "fgsm(linf=0.1,steps=1)"}, "Allowed: pgd without a target"),
        ({"attack": "pgd(l2=0.5)"}, "an attack with at least one step"),
        ({"checkpoints": (5, 11)}, "Step 11 cannot be kept. Allowed: 0 to 10"),
        ({"optimiser": "adam"}, "optimiser cannot be 'adam'"),
        ({"batch_norm": "remove", "statistics": "trained"}, "no statistics to be trained"),
        ({"steps": 10**7, "batch": 4096}, "are too many"),
    ],
)
def test_invalid_recipes_are_one_sentence(changes: dict, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence.replace("(", r"\(")):
        Recipe(**{"kind": "adversarial", "base": "tiny", "steps": 10, **changes})


def test_rates() -> None:
    recipe = Recipe(kind="standard", base="tiny", steps=100, warmup=9, lr=1.0, attack_warmup=4, checkpoints=(10,))
    assert [recipe.learning_rate(i) for i in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert recipe.learning_rate(99) < 0.001
    assert [recipe.strength(i) for i in (0, 1, 4, 50)] == pytest.approx([0.2, 0.4, 1, 1])
    assert recipe.kept == (10, 100)


def test_log_spaced_steps_end_with_the_last() -> None:
    assert log_spaced(1, 500) == (500,)
    assert log_spaced(4, 1000) == (4, 25, 159, 1000)
    assert log_spaced(7, 3) == (1, 2, 3)
    with pytest.raises(InvalidInputError, match="cannot keep 0 checkpoints"):
        log_spaced(0, 10)


def test_spellings() -> None:
    assert parse_kind("stylized") == parse_kind("stylised") == "stylised"
    with pytest.raises(InvalidInputError, match="Unknown kind of training 'fast'"):
        parse_kind("fast")
    assert parse_attack("pgd(l2=1,steps=3;other)").model == "other"
    assert parse_attack("pgd(l2=1,steps=3)", "mine").model == "mine"
