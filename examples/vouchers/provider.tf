# The only part that AWS itself does not want: remove it, and the rest applies there.

provider "aws" {
  region     = "us-east-1"
  access_key = "test"
  secret_key = "test"
}
