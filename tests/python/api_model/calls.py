"""One call through boto3, and everything about its answer that the model decides."""

import base64
import json

from botocore import xform_name
from botocore.exceptions import ClientError

from provision import client

from .model import OPERATIONS, fits

# What any operation may answer beside the errors that the model lists for it.
COMMON_ERRORS = {"SerializationException", "LimitExceededException", "InvalidParameterException"}


def _plain(value):
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"no JSON: {value!r}")


class Caller:
    """boto3 with its own checks on, and with them off: then the members go out as they are."""

    def __init__(self, spec):
        self._checked, self._unchecked = client(spec), client({**spec, "unchecked": True})
        self._answer = self._body = None
        for idp in (self._checked, self._unchecked):
            idp.meta.events.register("after-call.cognito-idp", self._keep)
        self._unchecked.meta.events.register("before-call.cognito-idp", self._replace)

    def _keep(self, http_response, **_):
        self._answer = http_response

    def _replace(self, params, **_):
        params["body"] = self._body

    def call(self, operation, given, checked=True):
        """`(error name or None, message, faults of the answer)`."""
        idp = self._checked if checked else self._unchecked
        self._answer, self._body = None, json.dumps(given, default=_plain).encode()
        try:
            getattr(idp, xform_name(operation))(**(given if checked else {}))
        except ClientError:
            pass
        return self._judge(operation)

    def _judge(self, operation):
        answer, faults = self._answer, []
        headers, status = answer.headers, answer.status_code
        if not headers.get("x-amzn-requestid"):
            faults.append("no x-amzn-requestid")
        body = json.loads(answer.content) if answer.content else {}
        if status == 200:
            shape = OPERATIONS[operation].get("output")
            faults += fits(shape["shape"], body) if shape else [f"an answer: {body}"] if body else []
            return None, "", faults
        name, message = body.get("__type", ""), body.get("message", "")
        if headers.get("x-amzn-errortype", "").split(":")[0] != name:
            faults.append(f"x-amzn-errortype {headers.get('x-amzn-errortype')}, but __type {name}")
        if status >= 500:
            faults.append(f"status {status}")
        modelled = {error["shape"] for error in OPERATIONS[operation].get("errors", [])}
        if name not in modelled | COMMON_ERRORS and name != "UnsupportedOperationException":
            faults.append(f"{name} is no error of {operation}")
        if not message:
            faults.append("no message")
        return name, message, faults
