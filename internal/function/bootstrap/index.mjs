// The runtime of functions in JavaScript: it loads the handler, asks the Runtime API for
// invocations one at a time, and tells what came of each.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import util from 'node:util';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const env = process.env;
const api = new URL(`http://${env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/`);
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
const streaming = Symbol.for('aws.lambda.runtime.handler.streaming');
const asJSON = env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
let requestId; // of the invocation that is being answered

class RuntimeError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = `Runtime.${kind}`;
  }
}

// request begins a request to the Runtime API. The promise is of the answer, with its body.
function request(method, where, headers = {}) {
  const begun = http.request(new URL(where, api), { method, agent, headers });
  const answered = new Promise((resolve, reject) => {
    begun.on('error', reject);
    begun.on('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
    });
  });
  return { begun, answered };
}

function send(method, where, body, headers = {}) {
  const { begun, answered } = request(method, where, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  begun.end(body);
  return answered;
}

// Logs: each call of the console is one line, in which line feeds are carriage returns.
const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const least = Math.max(0, levels.indexOf((env.AWS_LAMBDA_LOG_LEVEL ?? '').toUpperCase()));

function write(level, args) {
  if (asJSON && levels.indexOf(level) < least) return;
  const timestamp = new Date().toISOString();
  if (!asJSON) {
    const text = `${timestamp}\t${requestId}\t${level}\t${util.format(...args)}`;
    fs.writeSync(1, text.replaceAll('\n', '\r') + '\n');
    return;
  }
  const line = { timestamp, level, requestId };
  line.message = args.length === 1 && typeof args[0] === 'object' && args[0] !== null && !util.types.isNativeError(args[0]) ? args[0] : util.format(...args);
  const error = args.find((arg) => util.types.isNativeError(arg));
  if (error) Object.assign(line, { errorType: error.name, errorMessage: error.message, stackTrace: traceOf(error) });
  let text;
  try {
    text = JSON.stringify(line);
  } catch {
    text = JSON.stringify({ ...line, message: util.format(...args) });
  }
  fs.writeSync(1, text + '\n');
}

const consoleLevels = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };
for (const [name, level] of Object.entries(consoleLevels)) {
  console[name] = (...args) => write(level, args);
}

const traceOf = (error) => (typeof error.stack === 'string' ? error.stack.split('\n') : []);

// describe is what a caller is told of anything that was thrown.
function describe(error) {
  if (util.types.isNativeError(error) || (error?.name && error?.message && error?.stack)) {
    return { errorType: error.name, errorMessage: error.message, trace: traceOf(error) };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function logError(what, error) {
  if (asJSON) {
    write('ERROR', [error]);
    return;
  }
  const details = util.types.isNativeError(error)
    ? { errorType: error.name, errorMessage: error.message, code: error.code, ...error, stack: traceOf(error) }
    : describe(error);
  let text;
  try {
    text = JSON.stringify(details);
  } catch {
    text = JSON.stringify(describe(error));
  }
  write('ERROR', [`${what} \t${text}`]);
}

async function postError(error, where) {
  const told = describe(error);
  const kind = encodeURI(told.errorType ?? 'Error');
  await send('POST', where, JSON.stringify(told), { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': kind });
}

// Whatever nobody catches ends the process, with its reason told first.
function fatal(what, code) {
  return (reason) => {
    const error = what === 'Unhandled Promise Rejection' ? Object.assign(new RuntimeError('UnhandledPromiseRejection', String(reason)), { reason }) : reason;
    logError(what, error);
    const where = requestId ? `invocation/${requestId}/error` : 'init/error';
    postError(error, where).finally(() => process.exit(code));
  };
}
process.on('uncaughtException', fatal('Uncaught Exception', 129));
process.on('unhandledRejection', fatal('Unhandled Promise Rejection', 128));

// isModule says whether the package that a file belongs to has ES modules in .js files.
function isModule(folder) {
  for (let at = folder; ; at = path.dirname(at)) {
    if (path.basename(at) === 'node_modules') return false;
    const described = path.join(at, 'package.json');
    if (fs.existsSync(described)) {
      try {
        return JSON.parse(fs.readFileSync(described)).type === 'module';
      } catch {
        return false;
      }
    }
    if (at === path.dirname(at)) return false;
  }
}

async function loadModule(root, name) {
  const require = createRequire(path.join(root, 'index.js'));
  const file = path.resolve(root, name);
  const there = (suffix) => fs.statSync(file + suffix, { throwIfNoEntry: false })?.isFile();
  if (there('')) return require(file);
  if (there('.js')) return isModule(path.dirname(file)) ? import(pathToFileURL(file + '.js').href) : require(file + '.js');
  if (there('.mjs')) return import(pathToFileURL(file + '.mjs').href);
  if (there('.cjs')) return require(file + '.cjs');
  return require(require.resolve(name, { paths: [root, path.dirname(file)] }));
}

// loadHandler finds what the function's handler names, as in folder/module.member.member.
async function loadHandler() {
  const named = env._HANDLER ?? '';
  const base = path.basename(named);
  const dot = base.indexOf('.');
  if (dot < 0) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  if (named.includes('..')) {
    throw new RuntimeError('MalformedHandlerName', `'${named}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const module = named.slice(0, named.length - base.length) + base.slice(0, dot);
  let loaded;
  try {
    loaded = await loadModule(env.LAMBDA_TASK_ROOT, module);
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(new RuntimeError('UserCodeSyntaxError', String(error)), { stack: error.stack });
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') throw new RuntimeError('ImportModuleError', String(error));
    throw error;
  }
  const find = (from) => base.slice(dot + 1).split('.').reduce((at, name) => at?.[name], from);
  const handler = find(loaded) ?? find(loaded?.default);
  if (handler === undefined) throw new RuntimeError('HandlerNotFound', `${named} is undefined or not exported`);
  if (typeof handler !== 'function') throw new RuntimeError('HandlerNotFound', `${named} is not a function`);
  const major = Number(/nodejs(\d+)/.exec(env.AWS_EXECUTION_ENV)?.[1]);
  if (major >= 24 && handler.length >= 3 && !handler[streaming]) {
    throw new RuntimeError('CallbackHandlerDeprecated', 'From Node.js 24 on Lambda has no handlers with a callback: use an async function');
  }
  return handler;
}

function contextOf(headers) {
  const parsed = (name) => (headers[name] === undefined ? undefined : JSON.parse(headers[name]));
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed('lambda-runtime-client-context'),
    identity: parsed('lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

let emptied; // what is to be done when nothing is left to be done
process.on('beforeExit', () => {
  const next = emptied;
  emptied = undefined;
  next?.();
});

// call calls a handler. Its promise is of the result, which it returns, promises, or gives
// to its callback or the context; only the first counts.
function call(handler, event, context) {
  return new Promise((resolve, reject) => {
    const done = (error, result) => (error === undefined || error === null ? resolve(result) : reject(error));
    const callback = (error, result) => {
      if (!context.callbackWaitsForEmptyEventLoop || (error !== undefined && error !== null)) return done(error, result);
      emptied = () => done(error, result);
    };
    Object.assign(context, { done, succeed: resolve, fail: (error) => reject(error ?? 'handled') });
    emptied = () => resolve(null);
    const result = handler(event, context, callback);
    if (typeof result?.then === 'function') {
      emptied = () => reject(new RuntimeError('NodeJsExit', 'The handler has not settled its promise, and nothing is left that could'));
      result.then(resolve, reject);
    }
  });
}

async function answerWhole(handler, event, context) {
  const result = await call(handler, event, context);
  let body;
  try {
    body = JSON.stringify(result === undefined ? null : result);
  } catch (error) {
    throw Object.assign(new Error('Unable to stringify response body'), { stack: error.stack });
  }
  emptied = undefined;
  await send('POST', `invocation/${requestId}/response`, body ?? 'null', { 'Content-Type': 'application/json' });
}

// A streaming handler writes its response itself, and ends it.
async function answerStreaming(handler, event, context) {
  const { begun: stream, answered } = request('POST', `invocation/${requestId}/response`, {
    'Content-Type': 'application/octet-stream', 'Lambda-Runtime-Function-Response-Mode': 'streaming', 'Transfer-Encoding': 'chunked',
    Trailer: ['Lambda-Runtime-Function-Error-Type', 'Lambda-Runtime-Function-Error-Body'],
  });
  stream.setContentType = (type) => stream.setHeader('Content-Type', type);
  emptied = () => stream.writableEnded || stream.end();
  try {
    await handler(event, stream, context);
  } catch (error) {
    logError('Invoke Error', error);
    const told = describe(error);
    stream.addTrailers({
      'Lambda-Runtime-Function-Error-Type': encodeURI(told.errorType ?? 'Error'),
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(told)).toString('base64'),
    });
    if (!stream.writableEnded) stream.end();
  }
  await answered;
  emptied = undefined;
}

globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { [streaming]: 'response' }),
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      stream.write(JSON.stringify(prelude));
      stream.write(Buffer.alloc(8));
      return stream;
    },
  },
};

async function next() {
  requestId = undefined;
  const { status, headers, body } = await send('GET', 'invocation/next', '');
  if (status !== 200) throw new Error(`the Runtime API answered ${status}: ${body}`);
  return { headers, body };
}

async function serve(handler) {
  for (;;) {
    const { headers, body } = await next();
    requestId = headers['lambda-runtime-aws-request-id'];
    if (headers['lambda-runtime-trace-id']) env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
    else delete env._X_AMZN_TRACE_ID;
    try {
      const answer = handler[streaming] ? answerStreaming : answerWhole;
      await answer(handler, JSON.parse(body), contextOf(headers));
    } catch (error) {
      emptied = undefined;
      logError('Invoke Error', error);
      await postError(error, `invocation/${requestId}/error`);
    }
  }
}

let handler;
try {
  handler = await loadHandler();
} catch (error) {
  logError('Uncaught Exception', error);
  await postError(error, 'init/error');
  process.exit(129);
}
// Not awaited: while a handler has nothing left to do, this module has to be over for the
// process to tell.
serve(handler);
