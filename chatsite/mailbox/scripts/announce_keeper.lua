-- Notes by the clock of the server that a keeper has swept.
redis.call('SET', 'mailbox:keeper', stamp(), 'EX', ARGV[1])
return 1
