"""A batch served on a machine: time to first token, time per output token, throughput, energy and price.

`B` queries with prompts of the same length are prefilled together, in one step or in chunks, and then decoded
together, a token each a step, so that context grows by one from step to step. What a step takes is a closed form
in the context; sums over steps are taken of it piece by piece (`piecewise`), not step by step.

With a draft model, a round of decoding is `g_d` steps of the draft and one of the model over g_d + 1 tokens, all
of whose logits are computed. Where each proposed token is accepted with probability a_d, a round yields
(1 - a_d^(g_d + 1)) / (1 - a_d) tokens on average (Leviathan, Kalman, Matias 2023, equation 1).

`to_dict` and `serve --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model, machine, setting, rules, precision   as in a roofline
    workload             batch_size, prompt, cached, output_tokens, chunk; draft, draft_tokens, acceptance or null
    memory               weights, cache, activations, needed, available: bytes, at their largest; fits
    time, lower_bound    operators one after another, and all at once (see roofline); seconds: first_token (of
                         the batch), first_token_alone (of a batch of one), per_output_token (mean of all but the
                         first), first_step, last_step, request; per second: user_tokens, output_tokens (while
                         decoding), prompt_tokens, tokens (outputs over the whole of prefill and decoding); what
                         decoding takes is null for a single output token
    estimate             whether `time` is short of the machine's peaks
    draft                tokens_per_round, speedup over decoding without, break_even acceptance; or null
    energy               joules: per_prompt_token, per_output_token, `at_most` where they follow from power; or null
    price                per hour of all machines; of a million: prompt_tokens, output_tokens, by `time`; or null
    steps                pieces of a decode step's time in the context c: first, last, step, coefficients of 1, c, c^2

Several machines are {schema: symroof.servings/1, servings: [...], refused: [{machine, error}]}.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symroof.algebra.rootfinding import piecewise
from symroof.cost.batch import Workload
from symroof.hardware.platform import Place, Platform, placed
from symroof.model.model import Model, Rules, chosen
from symroof.model.report import plain
from symroof.performance.capacity import Need, check, need, worst
from symroof.performance.decode_steps import Draft, Server, Steps, rounds
from symroof.quantization.precision import Precision
from symroof.version import __version__

SCHEMA = "symroof.serving/1"


@dataclass(frozen=True)
class Pace:
    """Seconds of a workload, by one way of adding operators up: prefill of all, of one alone, and decoding."""

    work: Workload
    first: Any
    alone: Any
    decode: Any  # all steps
    ends: tuple[Any, Any]  # the first and the last step

    @property
    def per_token(self) -> Any:
        """Seconds per output token, the mean of all but the first; None where there is no other."""
        return self.decode / (self.work.output_tokens - 1) if self.work.output_tokens > 1 else None

    @property
    def request(self) -> Any:
        """Seconds from the start to the last token."""
        return self.first + self.decode

    def to_dict(self) -> dict[str, Any]:
        """The schema's time or lower_bound."""
        work, each = self.work, self.per_token
        seconds = {
            "first_token": self.first,
            "first_token_alone": self.alone,
            "per_output_token": each,
            "first_step": self.ends[0],
            "last_step": self.ends[1],
            "request": self.request,
            "user_tokens": 1 / each if each else None,
            "output_tokens": work.batch_size / each if each else None,
            "prompt_tokens": work.batch_size * (work.prompt - work.cached) / self.first,
            "tokens": work.batch_size * work.output_tokens / self.request,
        }
        return {name: None if x is None else float(x) for name, x in seconds.items()}


@dataclass(frozen=True, repr=False)
class Serving:
    """A workload of a model on a platform, operators one after another (`time`) and all at once (`lower`)."""

    model: Model
    platform: Platform
    work: Workload
    rules: tuple[str, ...]
    precision: Precision
    need: Need
    time: Pace
    lower: Pace
    joules: tuple[Any, Any] | None  # of the prefill and of all decode steps
    decode: Steps
    draft: Draft | None = None
    undrafted: Pace | None = None
    price: Fraction | None = None  # of one machine, for an hour

    @property
    def fits(self) -> bool:
        """Whether all of it fits the machine's memory."""
        return bool(self.need.total <= self.platform.machine.memory)

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that matmuls run in."""
        widths = {op.width for _, _, op in self.model.graph(self.rules).rows() if op.cost.matmul != 0}
        return tuple(sorted({name for x in widths for name in self.platform.formats(x, self.precision)}))

    @property
    def routed(self) -> bool:
        """Whether the model has routed experts."""
        return "routed_experts" in self.model.parameters.by_role

    @property
    def energy(self) -> dict[str, Any] | None:
        """Joules of a prompt token and of an output token; None where neither they nor the power are known."""
        if self.joules is None:
            return None
        prompts, outputs = (self.work.batch_size * x for x in (self.work.prompt - self.work.cached, self._later))
        prefill, decode = self.joules
        each = {"per_prompt_token": prefill / prompts, "per_output_token": decode / outputs if outputs else None}
        return {**each, "at_most": self.platform.joules is None}

    @property
    def prices(self) -> dict[str, Any] | None:
        """Price of a million prompt tokens, those found in the cache too, and of a million output tokens."""
        if self.price is None:
            return None
        second = self.price * self.platform.machine.count / 3600
        prompts, outputs = (self.work.batch_size * x for x in (self.work.prompt, self._later))
        million = 10**6 * second
        return {
            "per_hour": self.price * self.platform.machine.count,
            "prompt_tokens": million * self.time.first / prompts,
            "output_tokens": million * self.time.decode / outputs if outputs else None,
        }

    @property
    def pieces(self) -> tuple[piecewise.Piece, ...]:
        """A decode step's seconds as polynomials of the context, piece by piece; none without a second token."""
        return self.decode.pieces("time")

    @property
    def _later(self) -> int:
        return self.work.output_tokens - 1

    @property
    def speedup(self) -> Any:
        """How much faster a token comes with the draft than without; None without one."""
        return self.undrafted.decode / self.time.decode if self.undrafted and self.time.decode else None

    @property
    def break_even(self) -> float | None:
        """The acceptance from which the draft pays; None where it never does, or there is no draft."""
        if self.draft is None or self.speedup is None:
            return None
        return self.draft.reaching(self.draft.a_round / self.speedup)

    def to_dict(self) -> dict[str, Any]:
        """The result in the schema that this module documents."""
        model, machine = self.model, self.platform.machine
        drafted = self.draft and {
            "tokens_per_round": float(self.draft.a_round),
            "speedup": number(self.speedup),
            "break_even": self.break_even,
        }
        setting: dict[str, Any] = {"draft": None, "draft_tokens": None, "acceptance": None}
        if self.draft:
            setting = {
                "draft": self.draft.model.name,
                "draft_tokens": self.draft.tokens,
                "acceptance": float(self.draft.acceptance),
            }
        shares = self.energy, self.prices
        energy, prices = ({key: number(x) for key, x in share.items()} if share else None for share in shares)
        return {
            "schema": SCHEMA,
            "symroof": __version__,
            "model": {"name": model.name, "family": model.family, "source": model.config.source},
            "machine": machine.to_dict(),
            "setting": self.platform.to_dict(),
            "rules": list(self.rules),
            "precision": {role: form.name for role, form in self.precision.formats.items()},
            "workload": {**self.work.__dict__, **setting},
            "memory": {**self.need.to_dict(), "available": plain(machine.memory), "fits": self.fits},
            "time": self.time.to_dict(),
            "lower_bound": self.lower.to_dict(),
            "estimate": not self.platform.ideal,
            "draft": drafted,
            "energy": energy,
            "price": prices,
            "steps": list(map(shown, self.pieces)),
        }

    def __repr__(self) -> str:
        each = self.time.per_token
        told = f"first token {float(self.time.first):.4g} s" + (f", then {float(each):.4g} s a token" if each else "")
        return f"<symroof serving of {self.model.name} on {self.platform.machine.label}: {told}>"

    def __str__(self) -> str:
        from symroof.render.results.serving import render

        return render(self)


def shown(x: piecewise.Piece) -> dict[str, Any]:
    """A piece as JSON has it."""
    return {"first": x.first, "last": x.last, "step": x.step, "coefficients": list(map(float, x.coefficients))}


def number(x: Any) -> Any:
    """A number as JSON has it."""
    return x if x is None or isinstance(x, bool) else float(x)


def serve(
    model: Model,
    on: Place,
    work: Workload,
    rules: Rules = "standard",
    draft: Draft | None = None,
    price: Fraction | None = None,
    anyway: bool = False,
    **formats: Any,
) -> Serving:
    """A workload of a model on a machine, by name or as it is, or a platform; `formats` as for a report.

    A draft is in its own formats.

    Raises DoesNotFit where weights, cache and activations are more than the machine's memory, unless `anyway`.
    """
    platform = placed(on)
    server = Server(model, platform, chosen(rules, None), formats)
    ours = plan(server, work)
    run, whole = drafted(server, work, ours, draft) if draft else (ours, ours)
    kept = room(server, work, run, draft, anyway)
    taken, least = (pace(work, whole, name) for name in ("time", "lower"))
    decode = whole.decode
    joules = None if decode.joules is None else (sum(x.total("joules") for x in whole.filled), decode.total("joules"))
    undrafted = pace(work, ours, "time") if draft else None
    return Serving(
        model,
        platform,
        work,
        server.rules,
        server.precision,
        kept,
        taken,
        least,
        joules,
        decode,
        draft,
        undrafted,
        price,
    )


@dataclass(frozen=True)
class Plan:
    """Steps of a workload: of the prefill of the whole batch, and of one query alone; of decoding."""

    filled: Sequence[Steps]
    alone: Sequence[Steps]
    decode: Steps


def plan(server: Server, work: Workload) -> Plan:
    """The steps of one model by itself."""
    filled = {batch: server.prefill(work, batch) for batch in {work.batch_size, 1}}
    return Plan(filled[work.batch_size], filled[1], server.decode(work))


def drafted(server: Server, work: Workload, ours: Plan, draft: Draft) -> tuple[Plan, Plan]:
    """The steps that a model takes with a draft, and those of both: decoding is what a token takes of a round."""
    theirs = plan(Server(draft.model, server.platform, server.rules, {}), work)
    verifying = server.decode(work, draft.tokens + 1, "all")
    each = rounds(verifying, theirs.decode, draft)
    return replace(ours, decode=verifying), Plan([*ours.filled, *theirs.filled], [*ours.alone, *theirs.alone], each)


def pace(work: Workload, plan: Plan, name: str) -> Pace:
    """Seconds of a workload's steps, by the closed form of that name."""
    first, alone = (sum(x.total(name) for x in steps) for steps in (plan.filled, plan.alone))
    return Pace(work, first, alone, plan.decode.total(name), plan.decode.ends(name))


def room(server: Server, work: Workload, run: Plan, draft: Draft | None, anyway: bool) -> Need:
    """What the fullest step of the workload keeps, the draft model as far ahead of it as it goes. Raises DoesNotFit."""
    filling, later = [end for x in run.filled for end in x.fullest()], list(run.decode.fullest())
    common: dict[str, Any] = {"batch_size": work.batch_size, "rules": server.rules}
    besides = []
    if draft:
        ahead = [{"new": 1, "cached": end["cached"] + draft.tokens - 1} for end in later]
        besides = [need(draft.model.report(**end, **common)) for end in [*filling, *ahead]]
    found = [{**end, **common, **server.formats} for end in [*filling, *later]]
    if not anyway:
        check(server.model, server.platform.machine, found, besides)
    return worst(server.model, found, besides)
