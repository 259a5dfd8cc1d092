"""The explorer's sentences, built from a trajectory's numbers."""

import html
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adrec.explain import NEAR_TIE
from adrec.folders import app_folder

if TYPE_CHECKING:
    from adrec.explain.records import SeedSweep, Trajectory

EXPLAINED = (
    "token", "x_t", "x0", "commit-step", "rank", "hit", "hr", "ndcg", "repeat", "probability", "margin", "entropy", "seed", "lambda", "map",
)  # fmt: skip
"""The glossary's keys of the terms in a denoising."""

TERMS = {"Decided": "commit-step", "rank": "rank", "a hit": "hit", "a near miss": "hit", "a miss": "hit"}
TERMS |= {"x̂₀": "x0", "xₜ": "x_t", "λ": "lambda"}
"""Words in sentences on a denoising that are explained where they stand, by the glossary's keys."""


def definitions() -> dict[str, str]:
    """Terms of a denoising and what they mean, from the glossary of the app."""
    glossary = json.loads((app_folder() / "assets" / "texts" / "glossary.json").read_text(encoding="utf-8"))
    return {glossary[key]["term"]: glossary[key]["meaning"] for key in EXPLAINED}


@dataclass(frozen=True)
class Style:
    """How emphasis and titles are marked up."""

    strong: Callable[[str], str]
    title: Callable[[str], str]


def plain(text: str) -> str:
    """Escape untrusted text so that Markdown shows it unchanged: M*A*S*H. Line breaks become spaces. A word joiner (U+2060) keeps web and
    mail addresses from turning into links, since Streamlit looks for addresses after resolving the escapes."""
    text = re.sub(r"(?i)(https?:(?=//)|www(?=\.)|@(?=\w))", "\\1\u2060", " ".join(text.split()))
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])", r"\\\1", text)


MARKDOWN = Style(lambda text: f"**{text}**", lambda text: f"*{plain(text)}*")
HTML = Style(lambda text: f"<strong>{text}</strong>", lambda text: f"<em>{html.escape(text)}</em>")
TEXT = Style(lambda text: text, lambda text: text)
BROWSER = Style(lambda text: f"\ue001{text}\ue002", lambda text: f"\ue003{text}\ue004")
"""As adrec/browser/denoising_words.js, which says the same in the browser, marks up its sentences."""


def headline(trajectory: "Trajectory", title: Callable[[int], str], style: Style = MARKDOWN) -> str:
    """When the list was decided, which items decided it, and where the target ended."""

    def styled(item: int) -> str:
        return style.title(title(item))

    return f"{_decision(trajectory, styled, style.strong)} {_outcome(trajectory, styled)}"


def _decision(trajectory: "Trajectory", title: Callable[[int], str], strong: Callable[[str], str]) -> str:
    total, step, order = trajectory.steps, trajectory.commit_step, trajectory.order_commit_step
    if total == 1:
        return strong("Decided in the only step.")
    if step == 1:
        first = strong("Decided at the first step")
        rest = "the other step changes" if total == 2 else f"the other {total - 1} change"
        if order == 1:
            return f"{first}: {rest} nothing in the top 10."
        return f"{first}: {rest} none of its ten items, only their order, last at step {order}."
    if trajectory.swaps:
        first = strong(f"Decided at the first step, but for {_ties(trajectory)}")
        turns = f"{listed([title(i) for i in trajectory.swaps])} take turns at the end of the top 10, last at step {step}"
        return f"{first}: {turns}; they are closer than {_percent(NEAR_TIE)} of what parts the first score from the tenth."
    at = strong(f"Decided at step {step} of {total}" if step < total else f"Decided only at the last step, {total}")
    before, after = trajectory.top_ten[step - 2].tolist(), trajectory.top_ten[step - 1].tolist()
    entered, left = [i for i in after if i not in before], [i for i in before if i not in after]
    if len(entered) == 1:
        return f"{at}: {title(entered[0])} took the place of {title(left[0])} in the top 10, and stayed."
    return f"{at}: {listed([title(i) for i in entered])} entered the top 10, and stayed."


def _ties(of: "Trajectory") -> str:
    return "a near tie" if len(of.swaps) == 2 else "near ties"


PROCESS = (
    "The model reads the history and guesses the next item's vector, x̂₀, from pure noise, xₜ; the ten items that fit it best are the list."
)

STEP = "Each step removes some noise and guesses again."
"""``about_steps`` of every model that runs in the browser."""


def why(trajectory: "Trajectory", style: Style = MARKDOWN) -> str:
    """What the process does, and how the strength of the noise explains when the list was decided."""
    share, step, total = trajectory.noise_share, trajectory.commit_step, trajectory.steps
    process = f"{PROCESS} {trajectory.about_steps}"
    if share is None:
        return f"{process} This model gets the noised vector at full strength, along with the history, so its guess can change at any step."
    size = _as_strong(share)
    strength = f"The noise is added with weight λ = {trajectory.noise_weight:g}, here {size} as strong as the history"
    if total == 1:
        return f"{process} {strength}."
    if step == 1 and share < FAINT:
        settled = "the list; the other steps only move xₜ to the answer"
        if trajectory.order_commit_step > 1:
            settled = "the ten items; the other steps may still reorder them"
        return f"{process} {style.strong('Why at once?')} {strength}: the history alone settles {settled}."
    if step == 1:
        return f"{process} {strength}; for this history that does not change the list."
    if trajectory.swaps:
        return f"{process} {strength}: all that it still tips is {_ties(trajectory)}."
    tips = "faint, but enough to tip a close call" if share < FAINT else "strong enough for every step to revise the guess"
    return f"{process} {style.strong('Why not at once?')} {strength}: {tips}."


FAINT = 0.2
"""Noise below this share of the history's strength is called faint."""


def _outcome(trajectory: "Trajectory", title: Callable[[int], str]) -> str:
    if trajectory.target is None or trajectory.target_rank is None:
        return f"Its first choice is {title(int(trajectory.top[-1, 0]))}."
    rank, name = int(trajectory.target_rank[-1]), title(trajectory.target)
    if trajectory.outcome == "hit":
        return f"What really came next, {name}, is {'its first choice' if rank == 1 else f'at rank {rank}: a hit'}."
    verdict = "a near miss" if trajectory.outcome == "near miss" else "a miss"
    return f"What really came next, {name}, ends at rank {rank:,}: {verdict}."


def listed(titles: Sequence[str], most: int = 3) -> str:
    """ "A, B and C", or "A, B, C and 2 more" above ``most``."""
    shown = list(titles[:most])
    if len(titles) > most:
        return f"{', '.join(shown)} and {len(titles) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


# -- two panels, one change ---------------------------------------------------------------------------------------


def change(kind: str, before: str | None, after: str | None, style: Style = MARKDOWN) -> str:
    """The change as the subject of a sentence. before and after depend on kind: ids for ``user``, None for a composed history; phrases for
    ``stage``; names for ``run``; titles for ``item``, after being None if it was removed."""
    if kind == "stage":
        return f"Using the model {after} instead of the one {before}"
    first, second = (None if name is None else style.title(name) for name in (before, after))
    if kind == "item":
        return f"Removing {first}" if second is None else f"Replacing {first} with {second}"
    if kind == "user":
        return f"Looking at user {second} instead of {'your own history' if first is None else f'user {first}'}"
    return f"Using the run {second} instead of {first}"


def describe_pair(changed: str, one: "Trajectory", other: "Trajectory", title: Callable[[int], str], style: Style = MARKDOWN) -> str:
    """How the change affects the answer, from the two trajectories A and B. changed: from ``change``."""

    def styled(item: int) -> str:
        return style.title(title(item))

    before, after = one.top_ten[-1].tolist(), other.top_ten[-1].tolist()
    entered, left = [i for i in after if i not in before], [i for i in before if i not in after]
    count = f"all {len(before)}" if len(entered) == len(before) else f"{len(entered) or 'none'} of the {len(before)}"
    what = style.strong(f"changes {count} recommendations")
    if before == after:
        what += ", nor their order"
    elif not entered:
        what += ", only their order"
    elif len(entered) == 1:
        what += f" ({styled(entered[0])} takes the place of {styled(left[0])})"
    return f"{changed} {what}; {_when_both(one, other)}. {_outcome_of_both(one, other, styled)}"


def describe_weights(one: "Trajectory", other: "Trajectory", style: Style = MARKDOWN) -> str:
    """What the noise changes in A's answer and in B's, two models trained alike but for the noise weight; of other models, nothing."""
    if one.noise_weight is None or other.noise_weight is None:
        return ""

    size = one.top_ten.shape[1]

    def decided(of: "Trajectory", letter: str) -> str:
        share = "" if of.noise_share is None else f"the noise starts {_as_strong(of.noise_share)} as strong as the history, and "
        replaced, last = size - len({*of.top_ten[0].tolist()} & {*of.top_ten[-1].tolist()}), f"step {of.commit_step} of {of.steps}"
        if of.commit_step == 1:
            change = f"{style.strong('the steps replace none')} of the first {size} items"
        elif of.swaps:
            change = f"{style.strong('the steps replace none')} of the first {size} items but for {_ties(of)}, last at {last}"
        elif replaced:
            change = f"{style.strong(f'the steps replace {replaced}')} of the first {size} items, the last at {last}"
        else:
            change = f"the list wavers until {last} and {style.strong('ends as it began')}"
        return f"{style.strong(f'With λ = {of.noise_weight:g} ({letter})')} {share}{change}."

    alike = len({*one.top_ten[-1].tolist()} & {*other.top_ten[-1].tolist()})
    return (
        "Two models read the same history and start from the same random numbers. They were trained alike but for one number, λ: how "
        f"strongly the noise counts beside the history. {decided(one, 'A')} {decided(other, 'B')} In the end {alike or 'none'} of the "
        f"{size} items {'is' if alike == 1 else 'are'} in both lists."
    )


def _when_both(one: "Trajectory", other: "Trajectory") -> str:
    def when(of: "Trajectory") -> str:
        if of.steps == 1:
            return "in the only step"
        if of.swaps:
            return f"at the first step but for {_ties(of)}"
        return "at the first step" if of.commit_step == 1 else f"at step {of.commit_step} of {of.steps}"

    first, second = when(one), when(other)
    return f"both are decided {first}" if first == second else f"A is decided {first}, B {second}"


def _outcome_of_both(one: "Trajectory", other: "Trajectory", title: Callable[[int], str]) -> str:
    """The target's two ranks; without a target the two first choices; with different targets, B's outcome."""
    if one.target != other.target:
        said = _outcome(other, title)
        return f"For B, {said[0].lower()}{said[1:]}"
    if one.target is None or one.target_rank is None or other.target_rank is None:
        a, b = int(one.top[-1, 0]), int(other.top[-1, 0])
        return f"The first choice stays {title(a)}." if a == b else f"The first choice is {title(b)} instead of {title(a)}."
    before, after, name = int(one.target_rank[-1]), int(other.target_rank[-1]), title(one.target)
    if before == after:
        return f"What really came next, {name}, stays at rank {after:,}."
    return f"What really came next, {name}, {'rises' if after < before else 'falls'} from rank {before:,} to {after:,}."


def describe_shared_noise(one: "Trajectory", other: "Trajectory", lent: str = "") -> str:
    """Whether A and B share the same noise, judged by their states. lent: the user who got A's noise instead of their own."""
    widths = one.x_t.shape[1], other.x_t.shape[1]
    share = "" if one.steps == other.steps else " The clock is A's; B is shown at the same fraction of its steps."
    if widths[0] != widths[1]:
        return (
            f"The noise cannot be the same: vectors have {widths[0]} numbers in A and {widths[1]} in B. Each draws its own from seed "
            f"{one.seed}.{share}"
        )
    if (one.x_t[0] != other.x_t[0]).any():
        return f"A and B do not start from the same noise.{share}"
    if one.steps != other.steps:
        return (
            f"Both start from the same noise (seed {one.seed}). A takes {one.steps} steps and B {other.steps}, so the noise drawn along "
            f"the way differs.{share}"
        )
    own = f" On their own, {lent} would get different numbers." if lent else ""
    return f"Both start from the same noise and get the same random numbers at every step (seed {one.seed}).{own}"


# -- other seeds, fewer steps, all users --------------------------------------------------------------------------


def describe_noise(steps: int, one_step: int, seeds: Sequence[int], size: int = 10, decided: int = 1) -> str:
    """How much the noise changes for this history. one_step: how many of the top ``size`` one step already gives; seeds: how many each
    other seed gives; decided: the step from which the list stays."""
    low, middle = min(seeds), sorted(seeds)[len(seeds) // 2]
    others = f"**{len(seeds)} other seeds**"

    def same(count: int) -> str:
        return f"the same {size}" if count == size else f"at least {count} of the same {size}"

    by_seed = f"half of {others} give {same(middle)}, all of them at least {low}" if low < middle else f"each of {others} gives {same(low)}"
    figures = f"**One step** gives {one_step} of the same {size} items as {steps}; {by_seed}."
    if one_step == low == size and decided == 1:
        return f"{figures} So the noise changes nothing here: the history decides, and one step is enough."
    of_steps = f"the later steps replace {size - one_step} of the first {size}"
    if one_step == size:
        back = f"the first step's items are the last step's too, though some left and came back until step {decided}"
        of_steps = "one step is enough" if decided == 1 else back
    of_seeds = f"another seed replaces up to {size - low} of them, by chance" if low < size else "no seed changes the list"
    return f"{figures} So here {of_steps}, and {of_seeds}."


def describe_first_choices(sweep: "SeedSweep", title: Callable[[int], str], style: Style = MARKDOWN) -> str:
    """Where the seeds end."""
    (item, share), count = sweep.shares[0], len(sweep.seeds)
    first = f"{round(share * count)} of {count} seeds end with {style.title(title(item))} as the first choice"
    lists = "all give the same top 10" if sweep.distinct_lists == 1 else f"there are {sweep.distinct_lists} different top tens"
    order = "" if sweep.distinct_orders == sweep.distinct_lists else f" ({sweep.distinct_orders} if their order counts)"
    return f"{first}; {lists}{order}."


def describe_all_users(report: Mapping[str, Any]) -> str:
    """What the steps change for all users. report: from ``all_users``."""
    users, steps, one, whole = report["users"], report["timesteps"], report["by_steps"][0], report["by_steps"][-1]
    at_once = report["commit_steps"][0] / users
    gain = f"HR@20 is {100 * one['hr@20']:.1f} % after one step and {100 * whole['hr@20']:.1f} % after {steps}"
    return (
        f"**For {100 * at_once:.0f} % of {users:,} users the list is decided at the first step**; for "
        f"{100 * report['changed_mind']:.1f} % the first item changes later. {gain}; one step gives "
        f"{one['common']:.1f} of the same 10 items, and all lists together hold {whole['distinct_items']:,} of {report['items']:,} items."
    )


def describe_noise_weights(reports: Mapping[float, Mapping[str, Any]]) -> str:
    """What the noise weight changes for all users. reports: from ``all_users``, by noise weight, smallest first."""
    lines = []
    for weight, report in reports.items():
        one, whole, steps = report["by_steps"][0], report["by_steps"][-1], report["timesteps"]
        decided = f"the top 10 is decided at step {whole['mean_commit_step']:.1f} of {steps} on average"
        lines.append(
            f"- **λ = {weight:g}**: {decided}; one step gives {one['common']:.1f} of its 10 items. HR@20 is {100 * one['hr@20']:.1f} % "
            f"after one step and {100 * whole['hr@20']:.1f} % after {steps}."
        )
    return "\n".join(["The noise weight decides how long the answer stays open:", *lines, "", _price(reports)]).rstrip()


def _price(reports: Mapping[float, Mapping[str, Any]]) -> str:
    """Which noise weight recommends best, and whether the difference exceeds chance."""
    last = {weight: report["by_steps"][-1]["hr@20"] for weight, report in reports.items()}
    users = next(iter(reports.values()))["users"]
    best, worst = max(last, key=last.__getitem__), min(last, key=last.__getitem__)
    if best == worst:
        return ""
    gap, error = last[best] - last[worst], math.sqrt(2 * last[best] * (1 - last[best]) / users)
    beyond = "more than" if gap > 2 * error else "no more than"
    return (
        f"After all steps, λ = {best:g} has the highest HR@20 and λ = {worst:g} the lowest. They differ by {100 * gap:.1f} points, "
        f"{beyond} chance would explain with {users:,} users (two standard errors of the difference: at most {200 * error:.1f} points)."
    )


def _as_strong(share: float) -> str:
    return "just" if round(share, 1) == 1 else _percent(share)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 1 else f"{share:.2g} times"
