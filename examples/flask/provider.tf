# The only part that AWS itself does not want: remove it, and the rest applies there.

provider "aws" {
  region     = "eu-west-2"
  access_key = "test"
  secret_key = "test"
}
