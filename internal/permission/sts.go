package permission

// stsCalls are those of STS. Whether a role may be assumed is for its trust policy to
// say, too, so that STS asks itself ([Assumption]). The others that need no permission
// are those of which AWS says so.
var stsCalls = service{
	prefix: "sts",
	operations: map[string]string{
		"AssumeRole":        "",
		"GetAccessKeyInfo":  "*",
		"GetCallerIdentity": "",
		"GetSessionToken":   "",
	},
}
