"""What other tools take to follow numbers over time: benchmarks, dashboards, model cards."""
