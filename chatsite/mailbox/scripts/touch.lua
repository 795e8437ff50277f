-- Moves the owner's change counter on. A new one starts at the time, so that a page
-- that knew an earlier counter can never mistake it for the one it has seen.
local counter = 'changes:' .. ARGV[1]
if redis.call('EXISTS', counter) == 0 then
  redis.call('SET', counter, string.format('%.0f', now() * 1e6))
end
redis.call('EXPIRE', counter, ARGV[2])
return redis.call('INCR', counter)
