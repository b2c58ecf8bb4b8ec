"""A batch served on a machine: time to first token, time per output token, throughput, energy and price.

`B` queries with prompts of the same length are prefilled together, in one step or in chunks, and then decoded
together, one token per query and step, so that the context grows by one from step to step. The time of a step is a
closed form in the context, which is summed over all steps piece by piece (`piecewise`), not step by step.

Engines run prefill and decoding in mixed steps, so that one computes while the other moves bytes. The lower bound of a
request is therefore of both together, matmuls against memory, with the weights read only as often as the one of them
does that needs them more often; it is less than the sum of their bounds, and `tokens` is a bound for mixed steps too.

With a draft model, a round of decoding is `g_d` steps of the draft and one of the model over g_d + 1 tokens, with
logits at all of them. Where each proposed token is accepted with probability a_d, a round yields
(1 - a_d^(g_d + 1)) / (1 - a_d) tokens on average (Leviathan, Kalman, Matias 2023, equation 1).

`to_dict` and `serve --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model, machine, setting, rules, precision   as in a roofline
    workload             batch_size, prompt, cached, output_tokens, chunk; draft, draft_tokens, acceptance or null
    memory               weights, cache, activations, needed, available: bytes, at their largest; fits
    time, lower_bound    operators one after another, and all at once (see roofline); seconds: first_token (of
                         the batch), first_token_alone (of a batch of one), per_output_token (mean of all but the
                         first), first_step, last_step, request (in `lower_bound` of mixed steps, see above); per
                         second: user_tokens, output_tokens (while decoding), prompt_tokens, tokens (outputs over
                         `request`); figures of decoding are null for a single output token
    estimate             whether `time` is below the machine's peaks
    draft                tokens_per_round, speedup over decoding without, break_even acceptance; or null
    energy               joules: per_prompt_token, per_output_token; from_power: whether that is full power while each
                         unit is busy in `time`, neither a measurement nor a bound; or null
    price                per hour of all machines; of a million: prompt_tokens, output_tokens, by `time`; or null
    steps                pieces of a decode step's time in the context c: first, last, step, coefficients of 1, c, c^2
    warnings             those of a report of the model, and of the draft

Several machines are {schema: symroof.servings/1, servings: [...], refused: [{machine, error}]}.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symroof.algebra.rootfinding import piecewise
from symroof.cost.batch import Workload
from symroof.hardware.platform import Place, Platform, as_platform
from symroof.model.keywords import check_keywords
from symroof.model.model import Model, Rules, Source, as_model, rules_with_logits
from symroof.model.report import json_number
from symroof.performance.capacity import MemoryNeed, check_fits, largest_need, memory_need
from symroof.performance.serving_steps import Draft, Server, Steps, steps_per_output_token
from symroof.quantization.precision import Precision
from symroof.results import ExactFloat, Result, header

SCHEMA = "symroof.serving/1"


@dataclass(frozen=True)
class ServingTime:
    """Seconds of a workload by one kind of sum over operators: prefill of the batch, of one query, decoding, all."""

    work: Workload
    first: ExactFloat
    alone: ExactFloat
    decode: ExactFloat  # all steps
    request: ExactFloat  # from the start to the last token
    ends: tuple[ExactFloat | None, ExactFloat | None]  # the first and the last step

    @property
    def per_token(self) -> ExactFloat | None:
        """Seconds per output token, the mean of all but the first; None for a single output token."""
        later = self.work.output_tokens - 1
        return ExactFloat(self.decode.exact / later) if later > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """The schema's time or lower_bound."""
        work, request = self.work, self.request
        per_token = self.per_token and self.per_token.exact
        seconds = {
            "first_token": self.first,
            "first_token_alone": self.alone,
            "per_output_token": per_token,
            "first_step": self.ends[0],
            "last_step": self.ends[1],
            "request": request,
            "user_tokens": 1 / per_token if per_token else None,
            "output_tokens": work.batch_size / per_token if per_token else None,
            "prompt_tokens": work.batch_size * (work.prompt - work.cached) / self.first.exact,
            "tokens": work.batch_size * work.output_tokens / request.exact,
        }
        return {name: float_or_none(x) for name, x in seconds.items()}


@dataclass(frozen=True, repr=False)
class Serving(Result):
    """A workload of a model on a platform, operators one after another (`time`) and all at once (`lower`)."""

    model: Model
    platform: Platform
    work: Workload
    rules: tuple[str, ...]
    precision: Precision
    need: MemoryNeed
    time: ServingTime
    lower: ServingTime
    joules: tuple[Any, Any] | None  # of the prefill and of all decode steps
    decode: Steps
    draft: Draft | None = None
    undrafted: ServingTime | None = None
    price: Fraction | None = None  # per hour of one machine

    @property
    def fits(self) -> bool:
        """Whether the workload fits the machine's memory."""
        return self.need.fits(self.platform.machine)

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that matmuls run in."""
        widths = {op.width for _, _, op in self.model.graph(self.rules).rows() if op.cost.matmul != 0}
        return tuple(sorted({name for x in widths for name in self.platform.formats(x, self.precision)}))

    @property
    def fastest_formats(self) -> set[str]:
        """The formats that matmuls run in for the lower bound."""
        widths = {op.operands for _, _, op in self.model.graph(self.rules).rows() if op.cost.matmul != 0}
        return {name for x in widths for name in self.platform.fastest_formats(x, self.precision)}

    @property
    def routed(self) -> bool:
        """Whether the model has routed experts."""
        return "routed_experts" in self.model.parameters.by_role

    @property
    def energy(self) -> dict[str, Any] | None:
        """Joules per prompt token and per output token; None where neither they nor the power are known."""
        if self.joules is None:
            return None
        prompts, outputs = (self.work.batch_size * x for x in (self.work.prompt - self.work.cached, self._later))
        prefill, decode = self.joules
        return {
            "per_prompt_token": ExactFloat(prefill / prompts),
            "per_output_token": ExactFloat(decode / outputs) if outputs else None,
            "from_power": self.platform.joules is None,
        }

    @property
    def prices(self) -> dict[str, Any] | None:
        """Price per million prompt tokens, cached ones included, and per million output tokens."""
        if self.price is None:
            return None
        second = self.price * self.platform.machine.count / 3600
        prompts, outputs = (self.work.batch_size * x for x in (self.work.prompt, self._later))
        million = 10**6 * second
        return {
            "per_hour": ExactFloat(self.price * self.platform.machine.count),
            "prompt_tokens": ExactFloat(million * self.time.first.exact / prompts),
            "output_tokens": ExactFloat(million * self.time.decode.exact / outputs) if outputs else None,
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader has to know beyond the figures."""
        of_draft = (f"draft: {x}" for x in self.draft.model.warnings) if self.draft else ()
        return (*self.model.warnings, *of_draft)

    @property
    def pieces(self) -> tuple[piecewise.PolynomialPiece, ...]:
        """A decode step's seconds as polynomials of the context, piece by piece; none without a second token."""
        return self.decode.pieces("time")

    @property
    def _later(self) -> int:
        return self.work.output_tokens - 1

    @property
    def speedup(self) -> ExactFloat | None:
        """How much faster decoding is with the draft than without; None without a draft."""
        if not (self.undrafted and self.time.decode):
            return None
        return ExactFloat(self.undrafted.decode.exact / self.time.decode.exact)

    @property
    def break_even(self) -> float | None:
        """The acceptance from which the draft pays off; None where it never does, or without a draft."""
        if self.draft is None or self.speedup is None:
            return None
        return self.draft.acceptance_for(self.draft.tokens_per_round / self.speedup.exact)

    def to_dict(self) -> dict[str, Any]:
        """The result in the schema that this module documents."""
        model, machine = self.model, self.platform.machine
        return {
            **header(SCHEMA),
            "model": {"name": model.name, "family": model.family, "source": model.config.source},
            "machine": machine.to_dict(),
            "setting": self.platform.to_dict(),
            "rules": list(self.rules),
            "precision": {role: form.name for role, form in self.precision.formats.items()},
            "workload": {**self.work.__dict__, **draft_settings(self.draft)},
            "memory": {**self.need.to_dict(), "available": json_number(machine.memory), "fits": self.fits},
            "time": self.time.to_dict(),
            "lower_bound": self.lower.to_dict(),
            "estimate": not self.platform.ideal,
            "draft": self._draft_results,
            "energy": floats_or_none(self.energy),
            "price": floats_or_none(self.prices),
            "steps": list(map(piece_record, self.pieces)),
            "warnings": list(self.warnings),
        }

    @property
    def _draft_results(self) -> dict[str, Any] | None:
        if self.draft is None:
            return None
        yielded, speedup = float(self.draft.tokens_per_round), float_or_none(self.speedup)
        return {"tokens_per_round": yielded, "speedup": speedup, "break_even": self.break_even}

    def __repr__(self) -> str:
        each = self.time.per_token
        text = f"first token {float(self.time.first):.4g} s" + (f", then {float(each):.4g} s per token" if each else "")
        return f"<symroof serving of {self.model.name} on {self.platform.machine.label}: {text}>"


def draft_settings(draft: Draft | None) -> dict[str, Any]:
    """The draft of the schema's workload; null throughout without one."""
    if draft is None:
        return {"draft": None, "draft_tokens": None, "acceptance": None}
    return {"draft": draft.model.name, "draft_tokens": draft.tokens, "acceptance": float(draft.acceptance)}


def piece_record(x: piecewise.PolynomialPiece) -> dict[str, Any]:
    """A piece of a decode step's time as JSON has it."""
    return {"first": x.first, "last": x.last, "step": x.step, "coefficients": list(map(float, x.coefficients))}


def float_or_none(x: Any) -> Any:
    """A number as JSON has it."""
    return x if x is None or isinstance(x, bool) else float(x)


def floats_or_none(numbers: dict[str, Any] | None) -> dict[str, Any] | None:
    """Named numbers as JSON has them."""
    return numbers and {name: float_or_none(x) for name, x in numbers.items()}


def serve(
    model: Model | Source,
    on: Place,
    work: Workload,
    rules: Rules = "standard",
    draft: Draft | None = None,
    price: Fraction | None = None,
    anyway: bool = False,
    **formats: Any,
) -> Serving:
    """A workload of a model on a machine, a machine's name or a platform; `formats` as for a report, of the model only.

    Raises DoesNotFit where weights, cache and activations are more than the machine's memory, unless `anyway`.
    """
    check_keywords(serve, formats)
    model = as_model(model)
    server = Server(model, as_platform(on), rules_with_logits(rules, None), formats)
    plain = workload_steps(server, work)
    decode = server.decode(work, draft.tokens + 1, "all") if draft else plain.decode
    steps = steps_with_draft(server, work, plain, decode, draft) if draft else plain
    return Serving(
        model=model,
        platform=server.platform,
        work=work,
        rules=server.rules,
        precision=server.precision,
        need=peak_memory(server, work.batch_size, plain.prefill, decode, draft, anyway),
        time=serial_time_of(work, steps),
        lower=lower_bound_of(work, steps),
        joules=steps.joules,
        decode=steps.decode,
        draft=draft,
        undrafted=serial_time_of(work, plain) if draft else None,
        price=price,
    )


@dataclass(frozen=True)
class WorkloadSteps:
    """Steps of a workload: prefill of the whole batch, prefill of one query alone, and decoding."""

    prefill: Sequence[Steps]
    alone: Sequence[Steps]
    decode: Steps

    def totals(self, name: str) -> tuple[Any, Any]:
        """A closed form summed over the prefill of the batch, and over all decode steps."""
        return sum(x.total(name) for x in self.prefill), self.decode.total(name)

    @property
    def joules(self) -> tuple[Any, Any] | None:
        """Joules of the prefill and of all decode steps; None where they are not known."""
        return None if self.decode.joules is None else self.totals("joules")

    @property
    def mixed(self) -> Any:
        """Seconds that prefill and decoding take at least in mixed steps, whose pass over the weights serves both."""
        compute, cache = (sum(self.totals(name)) for name in ("compute", "cache"))
        return max(compute, max(self.totals("weights")) + cache)


def workload_steps(server: Server, work: Workload) -> WorkloadSteps:
    """The steps of one model by itself."""
    prefill = {batch: server.prefill(work, batch) for batch in {work.batch_size, 1}}
    return WorkloadSteps(prefill[work.batch_size], prefill[1], server.decode(work))


def steps_with_draft(
    server: Server, work: Workload, steps: WorkloadSteps, verifying: Steps, draft: Draft
) -> WorkloadSteps:
    """The steps of a model and its draft: both prefill, and decoding is a round divided by the tokens it yields."""
    drafting = workload_steps(Server(draft.model, server.platform, server.rules, {}), work)
    decode = steps_per_output_token(verifying, drafting.decode, draft)
    return WorkloadSteps([*steps.prefill, *drafting.prefill], [*steps.alone, *drafting.alone], decode)


def serial_time_of(work: Workload, steps: WorkloadSteps) -> ServingTime:
    """Seconds of a workload's steps, one operator after another and one step after another."""
    return serving_time(work, steps, "time", sum(steps.totals("time")))


def lower_bound_of(work: Workload, steps: WorkloadSteps) -> ServingTime:
    """Least seconds of a workload's steps, prefill and decoding mixed."""
    return serving_time(work, steps, "lower", steps.mixed)


def serving_time(work: Workload, steps: WorkloadSteps, name: str, request: Any) -> ServingTime:
    """Seconds of a workload's steps, by the closed form of that name, and of all of them."""
    first, decode = map(ExactFloat, steps.totals(name))
    alone = ExactFloat(sum(x.total(name) for x in steps.alone))
    start, end = (None if x is None else ExactFloat(x) for x in steps.decode.ends(name))
    return ServingTime(work, first, alone, decode, ExactFloat(request), (start, end))


def peak_memory(
    server: Server, batch_size: int, prefill: Sequence[Steps], decode: Steps, draft: Draft | None, anyway: bool
) -> MemoryNeed:
    """What the workload needs at its fullest step, a draft model included. Raises DoesNotFit unless `anyway`."""
    prompts, tokens = [step for x in prefill for step in x.fullest()], list(decode.fullest())
    common: dict[str, Any] = {"batch_size": batch_size, "rules": server.rules}
    steps = [{**step, **common, **server.formats} for step in (*prompts, *tokens)]
    drafts: list[MemoryNeed] = []
    if draft:  # its last step of a round has all but one of the proposed tokens cached
        proposals = ({"new": 1, "cached": step["cached"] + draft.tokens - 1} for step in tokens)
        drafts = [memory_need(draft.model.report(**step, **common)) for step in (*prompts, *proposals)]
    if not anyway:
        check_fits(server.model, server.platform.machine, steps, drafts)
    return largest_need(server.model, steps, drafts)
