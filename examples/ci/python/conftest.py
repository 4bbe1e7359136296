pytest_plugins = ["flyball_pytest"]
