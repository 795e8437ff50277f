-- Tells every page of an owner that something changed.
return touch(ARGV[1])
