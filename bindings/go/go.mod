module thinkwire

go 1.18
