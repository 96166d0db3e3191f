"""One API call through boto3: `call.py SPEC OPERATION PARAMETERS` prints the answer, or the error's name."""

import json
import sys

from botocore.exceptions import ClientError

from provision import client


def main():
    spec, operation, parameters = json.loads(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    try:
        answer = getattr(client(spec), operation)(**parameters)
    except ClientError as error:
        answer = {
            "error": error.response["Error"]["Code"],
            "message": error.response["Error"].get("Message", ""),
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            "request_id": error.response["ResponseMetadata"].get("RequestId"),
        }
    else:
        answer.pop("ResponseMetadata", None)
    print(json.dumps(answer, default=str))


if __name__ == "__main__":
    main()
