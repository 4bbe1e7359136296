// A web application with two pages: / answers at once, /computation is hard work.
//
// The work is done in a process of its own (threads spawns one for each request), so that
// the application goes on answering, its health check above all.

const { spawn } = require('threads')
const express = require('express')

const hostname = process.env.HOSTNAME || 'unnamed'
const port = process.env.PORT || 8080

// hashes runs in the spawned process: it sees nothing of this file. It is nicer than the
// application, which has to go on answering when many computations share the task's CPU.
const hashes = (rounds, done) => {
  require('os').setPriority(10)
  const { createHash } = require('crypto')
  let hash = ''
  for (let i = 0; i < rounds; i++) {
    hash = createHash('md5').update(hash + new Date()).digest('hex')
  }
  done(hash)
}

const computation = () => new Promise((resolve, reject) => {
  const thread = spawn(hashes)
  thread
    .send(5e4)
    .on('message', (hash) => {
      resolve(hash)
      thread.kill()
    })
    .on('error', (error) => {
      reject(error)
      thread.kill()
    })
    .on('exit', () => reject(new Error('the computation ended without a result')))
})

const app = express()

app.get('/', (request, response) => {
  response.send(`Hello from ${hostname}!\n`)
})

app.get('/computation', async (request, response, next) => {
  try {
    response.send(`${await computation()}\n`)
  } catch (error) {
    next(error)
  }
})

const server = app.listen(port, () => console.log(`The application listens on port ${port}.`))

// A task that is stopped gets SIGTERM: answer what was asked, then go.
process.on('SIGTERM', () => server.close(() => process.exit(0)))
