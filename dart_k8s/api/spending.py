"""Where trials go: the strategy and the budget."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import AtLeastOne, NotNegative, Part, Problem, refuse
from .sources import DifficultySource

DEFAULT_TARGET = {"uniform": 40, "prop2diff": 192}
"""k_u and k_p of the paper (Tong et al. 2024, section 4.1)."""
DEFAULT_TRIALS = 52
"""Trials per query of the paper's vanilla baseline (VRT): as many rows as DART's sets."""


class Strategy(Part):
    """How many responses each query gets."""

    kind: Literal["vanilla", "uniform", "prop2diff"]
    """vanilla: the same number of trials for each query. uniform: the same number of correct responses. prop2diff:
    correct responses in proportion to the difficulty, 1 - p_q."""
    target: AtLeastOne | None = None
    """Distinct correct responses: of every query (uniform, k_u, default 40), or of the hardest (prop2diff, k_p, default
    192; the easiest gets at least 1). With budget.totalTrials it is the upper bound, by default the cap of trials."""
    trials: AtLeastOne | None = None
    """vanilla: trials of each query, default 52."""
    min_trials: AtLeastOne = 32
    """prop2diff: trials of each query before its difficulty may end it. Fewer are cheaper and misjudge more queries."""
    precision: Annotated[float, Field(ge=0.0)] = 0.04
    """prop2diff: a query at its target goes on while one trial more lowers the standard error of that target by more
    than this many responses. 0 switches it off; with budget.totalTrials it is off."""
    difficulty: DifficultySource | None = None
    """prop2diff: pass rates measured elsewhere. Default: estimated while sampling."""

    @model_validator(mode="after")
    def _of_its_kind(self) -> "Strategy":
        found = []
        if self.kind == "vanilla" and self.target is not None:
            says = f"vanilla spends trials, it has no target ({self.target} given); use trials, or kind: uniform"
            found.append(Problem(("target",), says))
        if self.kind != "vanilla" and self.trials is not None:
            says = (
                f"{self.kind} samples until its target ({self.trials} trials given); "
                "use target, or budget.maxTrialsPerQuery for a cap"
            )
            found.append(Problem(("trials",), says))
        if self.kind != "prop2diff" and self.difficulty is not None:
            says = f"{self.kind} does not look at difficulty; remove it or use kind: prop2diff"
            found.append(Problem(("difficulty",), says))
        refuse(found)
        # The dictionary and not the attributes: pydantic forbids assignment here, and "given by the user" must survive.
        if self.kind == "vanilla":
            self.__dict__["trials"] = self.trials or DEFAULT_TRIALS
        else:
            self.__dict__["target"] = self.target or DEFAULT_TARGET[self.kind]
        return self

    @property
    def scale(self) -> int:
        """The one number of the strategy: k_u, k_p, or trials per query."""
        return (self.trials if self.kind == "vanilla" else self.target) or 0


class Budget(Part):
    """What may be spent, and when to give up on a query."""

    max_trials_per_query: AtLeastOne = 8192
    """Cap of trials of one query. DART-Math's author: prop2diff needs over 8 k for 90 % of MATH's queries."""
    total_trials: AtLeastOne | None = None
    """Trials of the whole run: the target becomes the largest that this affords. Never exceeded."""
    hopeless_probability: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    """A query whose chance to reach its target within its cap is lower stops at hopelessFloor. 0 switches it off."""
    hopeless_after: AtLeastOne = 64
    """Trials of a query before it may be judged hopeless."""
    hopeless_floor: NotNegative | None = None
    """Correct responses at which a hopeless query stops. Default: 1 for uniform, a quarter of its target for prop2diff,
    which would else lose the hard tail that it is for."""


__all__ = ["DEFAULT_TARGET", "DEFAULT_TRIALS", "Budget", "Strategy"]
