"""Pictures to try effects on."""

import pytest
import torch
from skimage import data


@pytest.fixture(scope="session")
def photographs() -> torch.Tensor:
    """Real photographs: (2, 3, 224, 224) in [0, 1]."""
    cat, coffee = data.chelsea()[20:244, 100:324], data.coffee()[100:324, 150:374]
    return torch.stack([torch.tensor(picture).permute(2, 0, 1) / 255 for picture in (cat, coffee)])
