package main

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/spf13/cobra"

	"flyball/internal/policydoc"
	"flyball/internal/tune"
)

// rivals are what --against names.
func (t *tuning) rivals(cmd *cobra.Command) (all []tune.Rival, err error) {
	for _, text := range t.against {
		name, file := named(text)
		d, err := t.documents(cmd.Context(), "against", []string{file}, cmd.InOrStdin())
		if err != nil {
			return nil, err
		}
		all = append(all, tune.Rival{Name: name, Documents: d})
	}
	return all, nil
}

// settle has what the best is compared with scale between the bounds of the search, where it
// has none of its own, and refuses what cannot be simulated before anything is searched.
func settle(p *tune.Problem) error {
	bounds := policydoc.Documents{Targets: []types.ScalableTarget{{MinCapacity: &p.Min, MaxCapacity: &p.Max}}}
	if p.Today != nil {
		*p.Today = within(*p.Today, bounds)
		if _, err := p.Build(*p.Today); err != nil {
			return fmt.Errorf("--policies: %w", err)
		}
	}
	for i, rival := range p.Against {
		p.Against[i].Documents = within(rival.Documents, bounds)
		if _, err := p.Build(p.Against[i].Documents); err != nil {
			return fmt.Errorf("--against %s: %w", rival.Name, err)
		}
	}
	return nil
}
