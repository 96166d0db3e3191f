"""Every operation of botocore's service model, called through boto3 in ways that the model itself decides.

Argument: JSON {endpoint, region, access_key, secret_key, provider, only?}; `provider` as `Oidc::provider` tells it,
`only`: names of operations. Each operation that is built gets

- the least and the most it takes, which must succeed, and each optional member alone;
- every value that stands right at a bound, which must not be called invalid by the model's check;
- for every bound of every member, an input that breaks just that bound, which must be refused for it;
- a call without a signature, where the model wants one.

Any answer must be of the modelled shape, or an error that the model lists for the operation. An operation that is not
built must say so. Prints JSON {built, not_built, cases, failures}.
"""

import json
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest

from api_model import inputs
from api_model.calls import NOT_SIGNED, UNSUPPORTED, Caller, is_signed
from api_model.model import OPERATIONS, input_of
from api_model.values import at_bounds, breaking
from api_model.world import Scene, World

WORKERS = 4
# Where each success costs keys: the members stand at their bounds side by side. All faults are named in one answer.
TOGETHER = {"CreateUserPool"}


class Check:
    """The cases of one operation."""

    def __init__(self, world, operation):
        self.world, self.operation = world, operation
        self.caller = Caller(world.spec)
        self.cases, self.failures = 0, []

    def run(self):
        """Whether the operation is built."""
        plain = inputs.plain(self.operation)
        if is_signed(self.operation):
            self.case("without a signature", plain, "unsigned", must_be(NOT_SIGNED))
        name, message, faults = self.caller.call(self.operation, plain, "unchecked")
        if name == UNSUPPORTED and self.operation in message:
            self.cases += 1
            self.failures += [f"{self.operation}: {fault}" for fault in faults]
            return False
        try:
            # What breaks a bound changes nothing; the valid ones may delete what they name, and come last.
            scene = Scene(self.world, self.operation)
            self.break_bounds(inputs.least(scene))
            self.stand_at_bounds(inputs.least(scene))
            self.valid()
        except Exception:
            self.failures.append(f"{self.operation}: the test itself failed\n{traceback.format_exc()}")
        return True

    def case(self, what, given, way, expect):
        """`expect` tells from the error name and message what is wrong with them, or nothing."""
        self.cases += 1
        name, message, faults = self.caller.call(self.operation, given, way)
        wrong = expect(name, message)
        for fault in faults + ([wrong] if wrong else []):
            self.failures.append(f"{self.operation} {what}: {fault}; answered {name or 'success'} {message}".strip())

    def valid(self):
        def succeeds(name, _):
            return "must succeed" if name else None

        self.case("with the least", inputs.least(Scene(self.world, self.operation)), "checked", succeeds)
        self.case("with everything", inputs.everything(Scene(self.world, self.operation)), "checked", succeeds)
        base = inputs.least(Scene(self.world, self.operation))
        for member, of in input_of(self.operation)["members"].items():
            if member not in base:
                scene = Scene(self.world, self.operation)
                alone = {**base, member: inputs.value(scene, member, of["shape"])}
                self.case(f"with {member} alone", alone, "unchecked", lambda name, message: None)

    def stand_at_bounds(self, base):
        def is_valid(name, message):
            invalid = name == "SerializationException" or "failed to satisfy constraint" in message
            return "keeps to every bound" if invalid else None

        edges = [
            [(f"{member} {what}", {member: edge}) for what, edge in at_bounds(shape, start)]
            for member, shape, start in self.members(base)
        ]
        if self.operation in TOGETHER:
            rounds = [list(filter(None, one)) for one in zip_longest(*edges)]
        else:
            rounds = [[edge] for member in edges for edge in member]
        for one in rounds:
            given = dict(base)
            for _, edge in one:
                given.update(edge)
            self.case(", ".join(what for what, _ in one), given, "unchecked", is_valid)

    def members(self, base):
        """Each member with its shape, and a value that keeps to it."""
        scene = Scene(self.world, self.operation)
        for member, of in input_of(self.operation)["members"].items():
            shape = of["shape"]
            yield member, shape, base[member] if member in base else inputs.value(scene, member, shape)

    def break_bounds(self, base):
        for member in input_of(self.operation).get("required", []):
            without = {name: value for name, value in base.items() if name != member}
            self.refuse(f"{member} is missing", without, "InvalidParameterException")
        for member, shape, start in self.members(base):
            for what, broken, error in breaking(shape, start):
                self.refuse(f"{member}{what if what[0] in '.[' else ' ' + what}", {**base, member: broken}, error)

    def refuse(self, what, given, error):
        self.case(what, given, "unchecked", must_be(error))


def must_be(error):
    return lambda name, _: None if name == error else f"must be {error}"


def main():
    spec = json.loads(sys.argv[1])
    world = World(spec)
    checks = [Check(world, operation) for operation in spec.get("only") or sorted(OPERATIONS)]
    with ThreadPoolExecutor(WORKERS) as pool:
        built = list(pool.map(Check.run, checks))
    names = [check.operation for check in checks]
    report = {
        "built": [name for name, is_built in zip(names, built) if is_built],
        "not_built": [name for name, is_built in zip(names, built) if not is_built],
        "cases": sum(check.cases for check in checks),
        "failures": [failure for check in checks for failure in check.failures],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
