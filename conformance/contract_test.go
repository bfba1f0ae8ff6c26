package conformance

import "testing"

// TestContract compares the document, the SDK, xmstest and the pages in docs/ with each other. Its parts build on those before:
// once one has found a disagreement, what a later one would report is an echo of it, so the later ones do not run.
func TestContract(t *testing.T) { //nolint:tparallel // its parts build on those before
	t.Parallel()
	agreed := t.Run("operations", operationsAgree) &&
		t.Run("models", modelsAgree) &&
		t.Run("traffic", trafficAgrees) &&
		t.Run("pages", pagesAgree) &&
		t.Run("field", fieldAgrees) &&
		t.Run("consumer", consumerAgrees)
	if !agreed {
		t.Error("the parts after the one that failed were not run")
	}
}
