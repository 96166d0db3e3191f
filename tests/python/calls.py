"""API calls through boto3: `calls.py SPEC '[[operation, parameters], …]'` prints each answer, or error, in order.

A parameter of bytes is written {"base64": "…"}, with "size" when zeros follow until there are so many.
"""

import base64
import json
import sys

from botocore.exceptions import ClientError

from provision import client


def bytes_of(parameter):
    if isinstance(parameter, dict) and "base64" in parameter:
        return base64.b64decode(parameter["base64"]).ljust(parameter.get("size", 0), b"\0")
    return parameter


def call(idp, operation, parameters):
    try:
        if operation.startswith("all:"):  # every page, joined
            return idp.get_paginator(operation.removeprefix("all:")).paginate(**parameters).build_full_result()
        answer = getattr(idp, operation)(**parameters)
    except ClientError as error:
        metadata = error.response["ResponseMetadata"]
        return {
            "error": error.response["Error"]["Code"],
            "message": error.response["Error"].get("Message", ""),
            "status": metadata["HTTPStatusCode"],
            "request_id": metadata["HTTPHeaders"].get("x-amzn-requestid"),
        }
    answer.pop("ResponseMetadata", None)
    return answer


def main():
    spec, calls = json.loads(sys.argv[1]), json.loads(sys.argv[2])
    idp = client(spec)
    for _, parameters in calls:
        parameters.update({name: bytes_of(parameter) for name, parameter in parameters.items()})
    print(json.dumps([call(idp, operation, parameters) for operation, parameters in calls], default=str))


if __name__ == "__main__":
    main()
