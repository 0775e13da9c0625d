"""What surrounds the logs: nginx's configuration, descriptions and events of Kubernetes."""
