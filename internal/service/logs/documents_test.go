package logs

import "testing"

func TestADocumentIsDescribedInItsNormalForm(t *testing.T) {
	for given, want := range map[string]string{
		`{"Statement":[{"Action":"logs:*","Effect":"Allow","Principal":{"Service": ["route53.amazonaws.com"]},"Resource":"*"}]}`: `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"route53.amazonaws.com"},"Action":"logs:*","Resource":"*"}]}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":["1","2"]},"Action":["a:<b>"]}}`:                `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":["1","2"]},"Action":["a:<b>"]}]}`,
		`{"Statement":[{"Principal":"*"}]}`: `{"Version":"2008-10-17","Statement":[{"Principal":"*"}]}`,
		`no document`:                       `no document`,
	} {
		if got := normalForm(given); got != want {
			t.Errorf("%s\n got %s\nwant %s", given, got, want)
		}
	}
}
