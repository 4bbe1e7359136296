package process

func namespacePool(r *Runtime) *addresses { return r.networks.namespaces.(*namespaces).addresses }
