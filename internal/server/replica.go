package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/descriptors"
	"flyball/internal/lease"
	"flyball/internal/postgres"
	"flyball/internal/replica"
	"flyball/internal/store"
)

// A Replica is one of several programs that are one server together. Their state is in PostgreSQL. The one
// that has the lease opens a Server on it; the others forward what they are asked to that one, and one of
// them takes its place when it ends.
type Replica struct {
	cfg         Config
	folder      folder
	reserve     *descriptors.Reserve
	connections *descriptors.Connections
	listener    net.Listener // for callers
	inner       net.Listener // for replicas

	clearing sync.Mutex // held while what an earlier life has left is ended
	cleared  bool

	first     *membership // the session that Open has begun
	forwarded atomic.Int64
	refused   atomic.Int64 // writes, since another one had the lease

	mu      sync.Mutex
	session *membership   // with the database; nil between two
	running *incumbent    // what this replica serves itself; nil: nothing
	serving chan struct{} // closed when the last server that this replica has opened has ended
	changed chan struct{}
}

// A membership is the time from when a replica has joined the others until it leaves them, or they count on it no more.
type membership struct {
	db        *postgres.DB
	member    *lease.Member
	identity  replica.Identity
	forwarder *replica.Forwarder
}

// leaseScope is what the lease is of: all cells. They share a lock and a journal, and calls of one are judged by what
// is in others.
const leaseScope = "server"

// OpenReplica joins the replicas that share a database, and listens. Calls are answered once Run is called.
func OpenReplica(ctx context.Context, cfg Config) (_ *Replica, err error) {
	if err := errors.Join(cfg.check(), cfg.checkReplica()); err != nil {
		return nil, ConfigError{err}
	}
	r := &Replica{cfg: cfg, changed: make(chan struct{}), serving: make(chan struct{})}
	close(r.serving)
	defer func() {
		if err != nil {
			r.release()
		}
	}()
	if r.reserve, err = descriptors.New(cfg.Log); err != nil {
		return nil, err
	}
	r.connections = r.reserve.Connections()
	if r.folder, err = openReplicaFolder(cfg.Data); err != nil {
		return nil, err
	}
	if r.listener, err = listenAt(cfg.Addr); err != nil {
		return nil, err
	}
	if r.inner, err = net.Listen("tcp", r.innerAddress()); err != nil {
		return nil, fmt.Errorf("listen to other replicas: %w; --replica-addr chooses another address", err)
	}
	r.first, err = r.join(ctx)
	return r, err
}

// checkReplica refuses what replicas cannot be configured with.
func (c Config) checkReplica() error {
	switch {
	case !postgres.IsURL(c.Store):
		return errors.New("--store: give the URL of a PostgreSQL database, such as postgres://USER@HOST/NAME")
	case c.Administrator == nil:
		return errors.New("--store needs --auth: a call that another replica forwards is told by its access key alone")
	case c.Clock == ClockManual || c.Speed != 1:
		return errors.New("--store is for the wall clock: all replicas go by the database's")
	}
	if c.Advertise != "" {
		host, err := addressOf("advertised address", c.Advertise)
		if err != nil {
			return err
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			return fmt.Errorf("advertised address %q is of no one machine: give --advertise the name or the address by which other replicas reach this one", c.Advertise)
		}
	}
	if c.ReplicaAddr == "" {
		return nil
	}
	host, err := addressOf("replica address", c.ReplicaAddr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); (host == "" || ip != nil && ip.IsUnspecified()) && c.Advertise == "" {
		return fmt.Errorf("replica address %q is of no one interface: say with --advertise HOST:PORT where other replicas reach this one", c.ReplicaAddr)
	}
	return nil
}

func (r *Replica) innerAddress() string {
	if r.cfg.ReplicaAddr != "" {
		return r.cfg.ReplicaAddr
	}
	return "127.0.0.1:0"
}

// advertised is where other replicas reach this one.
func (r *Replica) advertised() string {
	if r.cfg.Advertise != "" {
		return r.cfg.Advertise
	}
	return r.inner.Addr().String()
}

// join begins a membership.
func (r *Replica) join(ctx context.Context) (_ *membership, err error) {
	id := lease.NewID()
	s := &membership{}
	if s.db, err = postgres.Open(ctx, r.cfg.Store, id); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.db.Close()
		}
	}()
	s.member, err = lease.Join(ctx, s.db, id, lease.Options{
		Scope: leaseScope, Address: r.advertised(), Release: r.cfg.Release, Wall: r.cfg.Wall, Log: r.cfg.Log,
		Ready: r.rests, Forwarded: r.forwarded.Load, Refused: r.refused.Load,
	})
	if err != nil {
		return nil, err
	}
	if s.identity, err = replica.NewIdentity(ctx, s.db, s.member.Now); err != nil {
		return nil, err
	}
	s.forwarder = replica.NewForwarder(s.identity.Client)
	return s, nil
}

func (s *membership) close() {
	s.forwarder.Close()
	s.db.Close()
}

// closeAfter closes a membership when the server has ended that still has its database.
func closeAfter(ended <-chan struct{}, s *membership) {
	<-ended
	s.close()
}

// PublicURL is where callers find the replica.
func (r *Replica) PublicURL() string {
	scheme := "http://"
	if r.cfg.Certificate != nil {
		scheme = "https://"
	}
	return scheme + r.listener.Addr().String()
}

// Run answers calls until ctx ends. Then the server that this replica runs, if it does, stops as by itself, and
// the lease is given back.
func (r *Replica) Run(ctx context.Context) error {
	defer r.release()
	front, inner := r.newHTTP(http.HandlerFunc(r.serveCaller)), r.newHTTP(http.HandlerFunc(r.serveReplica))
	front.BaseContext = func(l net.Listener) context.Context {
		return context.WithValue(context.Background(), nearKey{}, atLoopback(l))
	}
	front.ConnContext, front.ConnState, front.TLSConfig = withConnection, r.connections.Note, r.cfg.tls()
	inner.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: r.identity}
	group, life := errgroup.WithContext(ctx)
	group.Go(func() error { return ended(r.serveFront(front)) })
	group.Go(func() error { return ended(inner.ServeTLS(r.inner, "", "")) })
	group.Go(func() error {
		r.takePart(life)
		// Who still waits finds another owner, or is told that there is none.
		grace, cancel := context.WithTimeout(context.WithoutCancel(life), goodbye)
		defer cancel()
		if front.Shutdown(grace) != nil {
			_ = front.Close()
		}
		return inner.Close()
	})
	return group.Wait()
}

// goodbye is how long calls have that are under way when a replica ends.
const goodbye = 3 * time.Second

func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

func (r *Replica) newHTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(r.cfg.Log.Handler(), slog.LevelDebug),
	}
}

func (r *Replica) serveFront(front *http.Server) error {
	accepted := r.connections.Listener(r.listener)
	if r.cfg.Certificate != nil {
		return front.ServeTLS(accepted, "", "")
	}
	return front.Serve(accepted)
}

// identity is how this replica shows another one who it is.
func (r *Replica) identity(*tls.ClientHelloInfo) (*tls.Config, error) {
	if s := r.current(); s != nil {
		return s.identity.Server, nil
	}
	return nil, errors.New("the replica does not reach the database")
}

// joinTime is how long a replica tries to join before it begins again.
const joinTime = 10 * time.Second

// rejoin is how long a replica waits before it joins the others again.
const rejoin = 500 * time.Millisecond

// takePart has the replica be one of the others, in one membership after the other, until ctx ends.
func (r *Replica) takePart(ctx context.Context) {
	s := r.first
	for told := false; ; {
		if s != nil {
			told = false
			r.enter(s)
			r.hold(ctx, s)
			r.enter(nil)
			go closeAfter(r.ended(), s) // connections that a cut network has left are not waited for
		}
		select {
		case <-ctx.Done():
			<-r.ended()
			return
		case <-time.After(rejoin):
		}
		within, cancel := context.WithTimeout(ctx, joinTime)
		var err error
		s, err = r.join(within)
		cancel()
		if err != nil && ctx.Err() == nil && !told {
			told = true
			r.cfg.Log.Warn("this replica cannot join the others; it tries again", "reason", err)
		}
	}
}

// hold takes part in one membership: whenever the replica has the lease, it runs the server. When the membership is
// over that may still be about to end, beside the next one.
func (r *Replica) hold(ctx context.Context, s *membership) {
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := s.member.Run(beating); err != nil {
			r.cfg.Log.Warn("the replica begins anew", "reason", err)
		}
	}()
	defer func() {
		stop()
		<-over
	}()
	var told lease.Owner
	for {
		owner, changed := s.member.Owner()
		if fence, held := s.member.Held(); held {
			r.own(ctx, s, fence)
		} else if owner != told && owner.ID != "" && owner.ID != s.member.ID {
			told = owner
			go r.clearLeft()
			r.cfg.Log.Info("another replica has the lease; calls are forwarded to it", "address", owner.Address, "epoch", owner.Epoch)
		}
		again := time.NewTimer(lease.Beat) // a lease is certain again with a beat, though the owner is the same
		select {
		case <-ctx.Done():
			<-r.ended()
			r.leave(ctx, s)
			return
		case <-over:
			return
		case <-changed:
		case <-again.C:
		}
		again.Stop()
	}
}

// clearLeft ends, once, the tasks that an earlier life of this replica has left: the owner has started them anew.
func (r *Replica) clearLeft() {
	r.clearing.Lock()
	defer r.clearing.Unlock()
	if r.cleared {
		return
	}
	r.cleared = true
	ctx, cancel := context.WithTimeout(context.Background(), strayGrace)
	defer cancel()
	if err := (&Server{cfg: r.cfg, dir: r.folder}).removeTasks(ctx, r.folder.path); err != nil {
		r.cfg.Log.Warn("tasks that an earlier life of this replica has left could not be ended", "reason", err)
	}
}

// leave has the others count on this replica no more.
func (r *Replica) leave(ctx context.Context, s *membership) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.member.Leave(ctx); err != nil {
		r.cfg.Log.Warn("the lease could not be given back; another replica takes it in some seconds", "reason", err)
	}
}

// resigned is how long a replica whose server has failed leaves the lease to others.
const resigned = 30 * time.Second

// rests tells whether this replica runs no server. It asks for no lease before the server of before has ended, whose folder
// the next one has; its tasks may take their time.
func (r *Replica) rests() bool {
	select {
	case <-r.ended():
		return true
	default:
		return false
	}
}

// ended is closed when this replica runs no server.
func (r *Replica) ended() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.serving
}

// own begins to run the server, unless this replica runs one.
func (r *Replica) own(ctx context.Context, s *membership, fence lease.Fence) {
	if !r.rests() {
		return
	}
	r.clearing.Lock()
	r.cleared = true // the server takes up what there is
	r.clearing.Unlock()
	over := make(chan struct{})
	r.mu.Lock()
	r.serving = over
	r.mu.Unlock()
	go func() {
		defer close(over)
		r.tenure(ctx, s, fence)
	}()
}

// tenure runs the server for as long as the lease is this replica's, or ctx goes on.
func (r *Replica) tenure(ctx context.Context, s *membership, fence lease.Fence) {
	log := r.cfg.Log.With("epoch", fence.Epoch)
	began := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go r.watch(ctx, s.member, fence, stop)
	cfg := r.cfg
	cfg.Wall = s.member.Now
	server, err := openWith(ctx, cfg, &tenancy{
		folder: r.folder, listener: r.listener, db: s.db, fence: fence,
		held: func() bool { return holds(s.member, fence) }, peers: s.member.Peers,
	})
	if err == nil {
		log.Info("this replica has the lease, and answers calls", "opened_in", time.Since(began).Round(time.Millisecond))
		log.Info("the console is at " + server.ConsoleURL())
		err = r.serve(ctx, s, server)
	}
	if errors.Is(err, store.ErrFenced) {
		r.refused.Add(1)
	}
	if err == nil || ctx.Err() != nil {
		log.Info("this replica answers no more calls itself")
		return
	}
	log.Error("the server of this replica has ended; others take over", "error", err)
	pause := resigned
	if errors.Is(err, store.ErrFenced) {
		pause = 0
	}
	r.resign(ctx, s, pause)
}

// resign gives the lease back, and leaves it to others for a while.
func (r *Replica) resign(ctx context.Context, s *membership, pause time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), joinTime)
	defer cancel()
	if err := s.member.Resign(ctx, pause); err != nil {
		r.cfg.Log.Warn("the lease could not be given back; another replica takes it in some seconds", "reason", err)
	}
}

// holds tells whether a member has the lease at this moment, in the epoch of a fence.
func holds(m *lease.Member, fence lease.Fence) bool {
	now, held := m.Held()
	return held && now == fence
}

// watch ends a server whose lease is another's, or whose epoch is over.
func (r *Replica) watch(ctx context.Context, m *lease.Member, fence lease.Fence, stop context.CancelFunc) {
	for {
		owner, changed := m.Owner()
		if owner.ID != m.ID || owner.Epoch != fence.Epoch {
			stop()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// serve runs a server, and has calls be answered by it, until it ends.
func (r *Replica) serve(ctx context.Context, s *membership, server *Server) error {
	// The server outlives ctx until the calls under way are answered.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	done := make(chan error, 1)
	go func() { done <- server.Run(life) }()
	in := &incumbent{handler: server.http.Handler, held: server.tenancy.held}
	r.run(in)
	var err error
	select {
	case <-ctx.Done():
		r.run(nil)
		in.drain(goodbye)
		end()
		err = r.finish(ctx, s, server, done)
	case err = <-done:
		r.run(nil)
		in.drain(goodbye)
	}
	debug.FreeOSMemory()
	return err
}

// handover is how long a server that ends keeps the lease, to write what comes of that. Tasks may take minutes to stop.
const handover = 2 * time.Second

// finish waits until a server has ended. If it takes long another replica goes on meanwhile.
func (r *Replica) finish(ctx context.Context, s *membership, server *Server, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-time.After(handover):
	}
	if server.tenancy.held() {
		r.cfg.Log.Info("the tasks of this replica take their time to stop; another replica goes on meanwhile")
		r.resign(ctx, s, resigned)
	}
	return <-done
}

// release gives back what OpenReplica took. What still ends tasks of an earlier life has the folder until then.
func (r *Replica) release() {
	r.clearing.Lock()
	r.cleared = true
	r.clearing.Unlock()
	for _, l := range []net.Listener{r.listener, r.inner} {
		if l != nil {
			l.Close()
		}
	}
	if r.folder.lock != nil {
		r.folder.release()
	}
	r.reserve.Close()
}

// Close releases a replica that was opened and not run.
func (r *Replica) Close() {
	r.leave(context.Background(), r.first)
	r.first.close()
	r.release()
}
