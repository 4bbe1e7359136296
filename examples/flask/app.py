"""A small Flask application: who has logged in can take memory, or burn CPU time.

It listens on $PORT, 8080 by default. User and password are $APP_USER and
$APP_PASSWORD, both "demo" by default.
"""

import hmac
import os
import secrets
import time

from flask import Flask, redirect, render_template_string, request, session, url_for

app = Flask(__name__)
# All tasks of the service have to know the key: any of them may get the next request.
app.secret_key = os.environ.get("APP_KEY") or secrets.token_hex()

held = []  # what the button took, MiB by MiB

PAGE = """<!doctype html>
<title>Flask on ECS</title>
{% if user %}
<p>Hello {{ user }}. This task holds {{ held }} MiB.</p>
<form method="post" action="{{ url_for('memory') }}">
  <button name="mb" value="64">Take 64 MiB</button>
</form>
<form method="post" action="{{ url_for('logout') }}"><button>Log out</button></form>
{% else %}
<form method="post" action="{{ url_for('login') }}">
  <input name="user" placeholder="user" required>
  <input name="password" type="password" placeholder="password" required>
  <button>Log in</button>
</form>
{% endif %}
"""


@app.get("/")
def home():
    return render_template_string(PAGE, user=session.get("user"), held=len(held))


@app.get("/health")
def health():
    return "ok\n"


@app.post("/login")
def login():
    user, password = request.form.get("user", ""), request.form.get("password", "")
    known = os.environ.get("APP_USER", "demo"), os.environ.get("APP_PASSWORD", "demo")
    if not all(map(hmac.compare_digest, (user.encode(), password.encode()), (k.encode() for k in known))):
        return "Unknown user or wrong password.\n", 401
    session["user"] = user
    return redirect(url_for("home"))


@app.post("/logout")
def logout():
    session.clear()
    return redirect(url_for("home"))


@app.post("/memory")
def memory():
    if "user" not in session:
        return "Log in first.\n", 403
    mb = min(max(request.form.get("mb", 64, type=int), 1), 256)
    for _ in range(mb):
        held.append(bytearray(os.urandom(1 << 20)))  # pages that are really there
    return redirect(url_for("home"))


@app.get("/computation")
def computation():
    """About 20 ms of CPU time."""
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass
    return "done\n"


if __name__ == "__main__":
    app.run(host=os.environ.get("HOST", "0.0.0.0"), port=int(os.environ.get("PORT", "8080")), threaded=True)
