import torch

from perturber.order import largest


def test_among_equals_the_first_comes_first_and_what_is_no_number_last() -> None:
    nan, inf = torch.nan, torch.inf
    values = torch.tensor([[0.0, 0, 0, 0], [1, nan, 3, 3], [-inf, nan, inf, 0]])
    assert largest(values, 4).indices.tolist() == [[0, 1, 2, 3], [2, 3, 0, 1], [2, 3, 0, 1]]
    assert largest(values, 2).values.tolist() == [[0, 0], [3, 3], [inf, 0]]
    assert largest(values[0], 9).indices.tolist() == [0, 1, 2, 3]


def test_without_equals_it_is_topk() -> None:
    values = torch.randn(50, 1000, generator=torch.Generator().manual_seed(0))
    found, expected = largest(values, 5), values.topk(5)
    assert torch.equal(found.values, expected.values)
    assert torch.equal(found.indices, expected.indices)
