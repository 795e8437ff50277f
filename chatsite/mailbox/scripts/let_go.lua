-- Notes that no caller of a process waits for some replies any longer. ARGV: process,
-- seconds, then ids. Returns those of the ids that no other process has marked for so many
-- seconds.
local process, since = ARGV[1], now() - tonumber(ARGV[2])
local alone = {}
for i = 3, #ARGV do
  local callers = key('callers', ARGV[i])
  redis.call('ZREM', callers, process)
  redis.call('ZREMRANGEBYSCORE', callers, '-inf', since)
  if redis.call('EXISTS', callers) == 0 then alone[#alone + 1] = ARGV[i] end
end
return alone
