"""What whole-stack tests share: the stack itself and the clusters it watches."""
