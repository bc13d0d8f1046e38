import torch

from mnist_transformer.hands.hand import WIDE_GAP_DIGITS, Hand

LINES, SLOTS = 2_000, 8


def sample(augmentation: float, seed: int = 0) -> tuple[Hand, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    length = torch.randint(1, SLOTS + 1, (LINES, 1), generator=generator)
    present = torch.arange(SLOTS) < length
    return Hand.sample(present, augmentation=augmentation, generator=generator), present


def test_only_augmented_hands_leave_wide_gaps_slope_and_mix_sizes():
    plain, _ = sample(0.0)
    assert plain.gap.max() < 1 and plain.least_gap.max() < 0
    assert (plain.shrinking == 1).all() and plain.bend.abs().max() == 0
    assert plain.size.min() >= 0.79 and plain.size.max() <= 1.11
    odd, present = sample(1.0)
    wide = (odd.least_gap > 0.8).any(1)
    assert 0.05 < wide.float().mean() < 0.4
    assert (present[wide].sum(1) <= WIDE_GAP_DIGITS).all()
    assert odd.least_gap.max() > 1.2
    assert 0.2 < (odd.shrinking < 1).float().mean() < 0.5
    assert odd.size.min() < 0.7 and odd.size.max() > 1.3


def test_the_digits_of_a_line_lie_round_its_middle():
    hand, present = sample(1.0)
    middle = (hand.baseline * present).sum(1) / present.sum(1)
    assert middle.abs().max() < 1e-5


def test_every_line_has_a_hand_of_its_own_and_its_digits_share_it():
    hand, _ = sample(0.5)
    between = hand.slant.mean(1).std()
    within = hand.slant.std(1).mean()
    assert between > 2 * within > 0


def test_without_a_generator_the_hands_come_from_pytorchs_own():
    present = torch.ones(3, 4, dtype=torch.bool)
    torch.manual_seed(1)
    first = Hand.sample(present)
    torch.manual_seed(1)
    assert torch.equal(first.slant, Hand.sample(present).slant)


def test_as_many_lines_of_two_digits_lie_over_each_other_as_are_asked_for():
    pairs = torch.ones(LINES, 2, dtype=torch.bool)

    def clumps(**chosen) -> float:
        generator = torch.Generator().manual_seed(0)
        hand = Hand.sample(pairs, augmentation=0.3, generator=generator, **chosen)
        return hand.is_clump.float().mean().item()

    assert abs(clumps() - 0.24) < 0.03  # 0.8 times the augmentation
    assert abs(clumps(clump_share=0.9) - 0.9) < 0.03
    assert clumps(clump_share=0.0) == 0
