package control

import "flyball/governor"

// A governed is a target with what is known of it. It is one round's at a time.
type governed struct {
	target   Target
	governor governor.Governor
}
