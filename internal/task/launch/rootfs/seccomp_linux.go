package rootfs

import (
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refusedCalls reach what neither namespaces nor capabilities keep apart: keys of the
// kernel, programs in it, and measurements of others.
var refusedCalls = []uint32{
	unix.SYS_ADD_KEY, unix.SYS_KEYCTL, unix.SYS_REQUEST_KEY,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
}

// architectures are the kernel's names of those that there is a filter for.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// otherCalls begin the numbers of x32, a second set of calls on x86-64.
const otherCalls = 0x40000000

// refuseCalls has the kernel refuse some system calls.
func refuseCalls() error {
	arch, known := architectures[runtime.GOARCH]
	if !known {
		return nil
	}
	filter := callFilter(arch)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

// callFilter is the program that judges system calls. In a user namespace of its own a
// program would be root, with rights to parts of the kernel that are not made for
// strangers. The flags of clone3 cannot be seen, so it is not there: C libraries use clone
// then. Calls of another architecture have other numbers, and are not there either.
func callFilter(arch uint32) []unix.SockFilter {
	const call, architecture, flags = 0, 4, 16 // in struct seccomp_data
	missing, forbidden := refusal(unix.ENOSYS), refusal(unix.EPERM)
	filter := slices.Concat(
		[]unix.SockFilter{load(architecture), jump(unix.BPF_JEQ, arch, 1, 0), missing},
		[]unix.SockFilter{load(call), jump(unix.BPF_JGE, otherCalls, 0, 1), missing},
		[]unix.SockFilter{jump(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), missing},
	)
	for _, number := range refusedCalls {
		filter = append(filter, jump(unix.BPF_JEQ, number, 0, 1), forbidden)
	}
	return append(filter,
		jump(unix.BPF_JEQ, unix.SYS_CLONE, 1, 0),
		jump(unix.BPF_JEQ, unix.SYS_UNSHARE, 0, 3),
		load(flags), jump(unix.BPF_JSET, unix.CLONE_NEWUSER, 0, 1), forbidden,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	)
}

// load loads a word of what is known of a call.
func load(at uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
}

// jump compares what was loaded with a value and passes over as many instructions as are
// said for yes and for no.
func jump(comparison uint16, value uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | comparison | unix.BPF_K, K: value, Jt: yes, Jf: no}
}

func refusal(why unix.Errno) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(why)}
}
