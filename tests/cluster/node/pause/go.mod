module dart-k8s.io/pause

go 1.26.0
