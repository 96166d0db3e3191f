"""The AWS CLI, in this process and by its own entry point: its start is what takes long; and looks at its answers."""

import contextlib
import io
import json
import re
import shlex

from awscli.clidriver import create_clidriver

FORMAT = re.compile(r"<(\w+)>")


class Present:
    """Stands for any value."""

    def __eq__(self, other):
        return other is not None

    def __repr__(self):
        return "anything"


ANY = Present()


class Absent(Present):
    def __eq__(self, other):
        return other is None

    def __repr__(self):
        return "nothing"


NOTHING = Absent()


def at(answer, path):
    """`UserPool.Id`, `Users.0.Username`, `Users.#` (how many), `Attributes[Name=email].Value`; None when not there."""
    for step in path.split("."):
        found = re.fullmatch(r"(\w+)\[(\w+)=(.+)\]", step)
        if step == "#":
            answer = len(answer)
        elif found:
            entries = (answer or {}).get(found[1], [])
            answer = next((entry for entry in entries if str(entry.get(found[2])) == found[3]), None)
        elif isinstance(answer, list):
            answer = answer[int(step)] if int(step) < len(answer) else None
        else:
            answer = (answer or {}).get(step)
    return answer


class Terminal:
    """Runs commands; keeps what later ones need: `<name>` in a command is what was kept under it."""

    def __init__(self, endpoint):
        self.endpoint, self.kept = endpoint, {}
        self.commands, self.failures = 0, []

    def run(self, command, expect=None, keep=None, error=None):
        """`expect`: path → value of the answer; `keep`: name → path; `error`: name of the error it must end with."""
        self.commands += 1
        line = FORMAT.sub(lambda name: str(self.kept.get(name[1], 'missing')), command)
        words = shlex.split(line)[1:] + ["--endpoint-url", self.endpoint, "--output", "json"]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = create_clidriver().main(words)
            except SystemExit as exit:
                code = exit.code
        told, answer = err.getvalue().strip(), {}
        if error:
            if code == 0 or f"({error})" not in told:
                self.failures.append(f"{line}\n  must end with {error}: {code} {told} {out.getvalue()}")
            return answer
        if code != 0:
            self.failures.append(f"{line}\n  failed with {code}: {told}")
            return answer
        text = out.getvalue().strip()
        answer = json.loads(text) if text else {}
        for path, value in (expect or {}).items():
            if not value == at(answer, path):
                self.failures.append(f"{line}\n  {path} is {at(answer, path)!r}, not {value!r}: {answer}")
        self.kept.update({name: at(answer, path) for name, path in (keep or {}).items()})
        return answer
