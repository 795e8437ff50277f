-- Takes the first in line, people before helpers, and leases it to one worker.
local model, worker, token, lease = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local function first_in_line()
  for _, line in ipairs({key('line', model), key('helpers', model)}) do
    local popped = redis.call('ZPOPMIN', line)
    while #popped > 0 do
      local id = string.sub(popped[1], 17)
      if redis.call('EXISTS', key('reply', id)) == 1 then return id, popped[2] end
      popped = redis.call('ZPOPMIN', line)
    end
  end
end

local id, tag = first_in_line()
if not id then return false end

local served = tonumber(redis.call('GET', key('served', model)) or '0')
if tonumber(tag) > served then redis.call('SET', key('served', model), tag) end
redis.call('ZREMRANGEBYSCORE', key('tags', model), '-inf', redis.call('GET', key('served', model)))

redis.call('HSET', key('reply', id), 'state', 'running', 'claim', token, 'worker', worker,
  'started', stamp(), 'tokens', 0)
redis.call('HDEL', key('reply', id), 'first')
redis.call('HINCRBY', key('reply', id), 'run', 1)
redis.call('DEL', key('text', id))
redis.call('ZADD', LEASES, now() + lease, id)
local got = redis.call('HMGET', key('reply', id), 'attempt', 'request', 'losses')
return {id, got[1], got[2], got[3]}
