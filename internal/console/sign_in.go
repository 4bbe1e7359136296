package console

import (
	"net/http"
)

// askForToken shows the page where a token is given. A link of `flyball console` has it behind
// #, which browsers do not send; the script hands it in.
func (c *console) askForToken(w http.ResponseWriter, r *http.Request) {
	c.showSignIn(w, r, http.StatusOK, "")
}

// refuse shows the same page to whoever is not let in, and why.
func (c *console) refuse(w http.ResponseWriter, r *http.Request, why error) {
	c.showSignIn(w, r, http.StatusForbidden, sentence(why))
}

func (c *console) showSignIn(w http.ResponseWriter, r *http.Request, status int, why string) {
	c.show(&visit{w: w, r: r}, status, "sign_in.html", page{Title: "Sign in", Body: why})
}

// takeToken signs a browser in.
func (c *console) takeToken(w http.ResponseWriter, r *http.Request) {
	if !fromOwnPage(r) {
		c.showSignIn(w, r, http.StatusForbidden, "The request does not come from this page. Open the link that flyball console prints, or write its token here.")
		return
	}
	if err := c.SignIn(w, r, r.PostFormValue("token")); err != nil {
		c.showSignIn(w, r, http.StatusForbidden, sentence(err))
		return
	}
	http.Redirect(w, r, "/console/", http.StatusSeeOther)
}

// signOut ends a session.
func (c *console) signOut(w http.ResponseWriter, r *http.Request) {
	if !fromOwnPage(r) {
		c.showSignIn(w, r, http.StatusForbidden, "The request does not come from a page of the console. Sign out on one of them.")
		return
	}
	if err := c.SignOut(w, r); err != nil {
		c.showSignIn(w, r, http.StatusInternalServerError, sentence(err))
		return
	}
	http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
}

// fromOwnPage reports whether a browser says that a page of this server makes the request. That
// an origin it names is the server's own is seen to before a request comes here.
func fromOwnPage(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") == "same-origin"
}
