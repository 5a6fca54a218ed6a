"""``python -m perturber.objects.generators [dog_cat|firetruck_racecar|backgrounds|all]``: writes the library anew."""

import argparse

from perturber.objects import LIBRARY
from perturber.objects.generators import backgrounds, dog_cat, firetruck_racecar


def main() -> None:
    """Write what was asked for into the library folder."""
    parser = argparse.ArgumentParser(prog="python -m perturber.objects.generators", description=__doc__)
    choices = ["dog_cat", "firetruck_racecar", "backgrounds", "all"]
    parser.add_argument("what", nargs="?", default="all", choices=choices)
    what = parser.parse_args().what
    for generator in (dog_cat, firetruck_racecar):
        name = generator.__name__.rpartition(".")[2]
        if what in (name, "all"):
            generator.generate().save(LIBRARY / name)
    if what in ("backgrounds", "all"):
        backgrounds.save(LIBRARY / "backgrounds")


if __name__ == "__main__":
    main()
