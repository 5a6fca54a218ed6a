"""``python -m perturber.cli``."""

from perturber.cli import main

if __name__ == "__main__":
    main()
