"""The runtime of functions in Python: it loads the handler, asks the Runtime API for
invocations one at a time, and tells what came of each."""

import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback

AS_JSON = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"


class Fault(Exception):
    """A failure in the runtime's own words."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.message, self.trace = "Runtime." + kind, message, trace or []


class API:
    """The Runtime API, over one connection. Its server tells the length of each answer."""

    def __init__(self, address):
        self.address = address
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def call(self, method, path, body=b"", headers=()):
        head = ["%s /2018-06-01/runtime/%s HTTP/1.1" % (method, path), "Host: " + self.address, "Content-Length: %d" % len(body)]
        head += ["%s: %s" % header for header in headers]
        self.socket.sendall(("\r\n".join(head) + "\r\n\r\n").encode("latin-1", "replace") + body)
        status = int(self.reader.readline().split(b" ", 2)[1])
        answered = {}
        for line in iter(self.reader.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            answered[name.lower()] = value.strip()
        return status, answered, self.reader.read(int(answered.get("content-length", 0)))

    def fail(self, path, error):
        sys.stdout.flush()
        headers = (("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", error["errorType"]))
        self.call("POST", path, encode(error), headers)


class Part:
    """A part of the context: members that are None unless they are known."""

    names = ()

    def __init__(self, known=None):
        for name in self.names:
            setattr(self, name, (known or {}).get(name))


class Client(Part):
    names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(Part):
    names = ("custom", "env", "client")


class Identity(Part):
    names = ("cognito_identity_id", "cognito_identity_pool_id")


class LambdaContext:
    """What a handler is told of its invocation."""

    def __init__(self, headers):
        env = os.environ
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.deadline = int(headers["lambda-runtime-deadline-ms"])
        self.client_context = None
        if headers.get("lambda-runtime-client-context"):
            self.client_context = ClientContext(parse_header(headers["lambda-runtime-client-context"], "Client Context"))
            if self.client_context.client is not None:
                self.client_context.client = Client(self.client_context.client)
        known = {}
        if headers.get("lambda-runtime-cognito-identity"):
            known = parse_header(headers["lambda-runtime-cognito-identity"], "Cognito Identity")
        self.identity = Identity(
            {"cognito_identity_id": known.get("cognitoIdentityId"), "cognito_identity_pool_id": known.get("cognitoIdentityPoolId")}
        )

    def get_remaining_time_in_millis(self):
        return max(0, self.deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message) + "\n")


def parse_header(text, what):
    try:
        return json.loads(text)
    except ValueError as error:
        raise Fault("LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (what, error))


def plain(value):
    """What the encoder is given for a value that JSON does not have."""
    decimal = sys.modules.get("decimal")
    if decimal is not None and isinstance(value, decimal.Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


# Lambda keeps characters beyond ASCII as they are since Python 3.12.
ENCODER = json.JSONEncoder(default=plain, ensure_ascii=sys.version_info < (3, 12))


def encode(value):
    return ENCODER.encode(value).encode("utf-8", "surrogatepass")


def describe(error, request_id):
    """What a caller is told of an exception. Frames of this file are left out."""
    if isinstance(error, Fault):
        told = {"errorMessage": error.message, "errorType": error.kind, "requestId": request_id, "stackTrace": error.trace}
    else:
        frames = traceback.extract_tb(error.__traceback__)
        while frames and (frames[0].filename == __file__ or "importlib" in frames[0].filename):
            frames.pop(0)
        told = {
            "errorMessage": str(error), "errorType": type(error).__name__, "requestId": request_id,
            "stackTrace": traceback.format_list(frames),
        }
    log_error(told)
    return told


def log_error(told):
    if AS_JSON:
        line = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "log_level": "ERROR"}
        line.update(told)
        sys.stdout.write(json.dumps(line) + "\n")
        return
    lines = ["[ERROR] %s: %s" % (told["errorType"], told["errorMessage"]), "Traceback (most recent call last):"]
    for entry in told["stackTrace"]:
        for line in entry.splitlines():
            stripped = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(stripped)) + stripped)
    # One event: what reads the log ends a line at the line feed only.
    sys.stdout.write("\r".join(line.replace("\n", "\r") for line in lines) + "\n")


class Handler(logging.Handler):
    """Writes records of the logging package into the function's log."""

    def emit(self, record):
        record.aws_request_id = current.request_id
        sys.stdout.write(self.format(record).rstrip("\n").replace("\n", "\r") + "\n")


class JSONFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname, "message": record.getMessage(), "logger": record.name,
        }
        if record.exc_info:
            line["errorType"] = record.exc_info[0].__name__
            line["errorMessage"] = str(record.exc_info[1])
            line["stackTrace"] = traceback.format_tb(record.exc_info[2])
        if record.aws_request_id:
            line["requestId"] = record.aws_request_id
        return json.dumps(line, default=str)


class Current:
    request_id = ""


current = Current()


def set_up_logging():
    sys.stdout.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")
    sys.stderr = sys.stdout
    handler = Handler()
    if AS_JSON:
        handler.setFormatter(JSONFormatter())
        names = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
        logging.getLogger().setLevel(names.get(level, level) or "WARNING")
    else:
        form = logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")
        form.converter = time.gmtime
        handler.setFormatter(form)
    logging.getLogger().addHandler(handler)


def load_handler():
    """Finds what the function's handler names, as in folder/module.function."""
    named = os.environ.get("_HANDLER", "")
    module, dot, member = named.rpartition(".")
    if not dot:
        raise Fault("MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % named)
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module)
    try:
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", "Unable to import module '%s': %s" % (module, error))
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        raise Fault("UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module, error), trace)
    try:
        return getattr(loaded, member)
    except AttributeError:
        raise Fault("HandlerNotFound", "Handler '%s' missing on module '%s'" % (member, module))


def answer(handler, headers, body):
    """Returns what the handler answers, encoded."""
    context = LambdaContext(headers)
    try:
        event = json.loads(body)
    except ValueError as error:
        raise Fault("UnmarshalError", "Unable to unmarshal input: %s" % error)
    result = handler(event, context)
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return encode(result), "application/json"
    except Exception as error:
        raise Fault("MarshalError", "Unable to marshal response: %s" % error)


def serve(api, handler):
    while True:
        status, headers, body = api.call("GET", "invocation/next")
        if status != 200:
            raise RuntimeError("the Runtime API answered %d: %s" % (status, body))
        current.request_id = headers["lambda-runtime-aws-request-id"]
        if "lambda-runtime-trace-id" in headers:
            os.environ["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        path = "invocation/" + current.request_id
        try:
            result, kind = answer(handler, headers, body)
        except Exception as error:
            api.fail(path + "/error", describe(error, current.request_id))
        else:
            sys.stdout.flush()
            api.call("POST", path + "/response", result, (("Content-Type", kind),))
        current.request_id = ""


def main():
    set_up_logging()
    api = API(os.environ["AWS_LAMBDA_RUNTIME_API"])
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    try:
        handler = load_handler()
    except Exception as error:
        api.fail("init/error", describe(error, ""))
        sys.exit(1)
    serve(api, handler)


if __name__ == "__main__":
    main()
