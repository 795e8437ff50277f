-- Takes back every entry whose lease ran out, and counts the loss; it keeps its place in
-- line. Returns {id, attempt, model, new state, losses, lost worker} for each.
local limit, lost_ending = tonumber(ARGV[1]), ARGV[2]
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now())) do
  redis.call('ZREM', LEASES, id)
  local got = redis.call('HMGET', key('reply', id), 'attempt', 'model', 'stop', 'worker')
  if got[1] then
    local fate = 'queued'
    local losses = redis.call('HINCRBY', key('reply', id), 'losses', 1)
    if got[3] then
      fate = 'stopped'
      finish(id, fate, '{}')
    elseif losses >= limit then
      fate = 'failed'
      finish(id, fate, lost_ending)
    else
      stand_in_line(id)
      touch_owner_of(id)
    end
    redis.call('HINCRBY', COUNTS, 'losses', 1)
    taken[#taken + 1] = {id, got[1], got[2], fate, losses, got[4]}
  end
end
return taken
