// Holds dashboards to Grafana's schema, as Grafana's own SDK has it, unknown and missing fields included.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

func main() {
	runtime := cog.NewRuntime()
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	code := 0
	for _, file := range os.Args[1:] {
		if problems := problems(file); problems != "" {
			fmt.Printf("%s:\n%s\n", file, problems)
			code = 1
		}
	}
	os.Exit(code)
}

func problems(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	var read dashboard.Dashboard
	// The SDK gives an empty list of errors, not nil, where it finds nothing.
	if err := read.UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
		return err.Error()
	}
	if err := read.Validate(); err != nil {
		return err.Error()
	}
	return ""
}
