-- Lets a collected entry expire, unless it was published again in the meantime.
local id, attempt, seconds = ARGV[1], ARGV[2], ARGV[3]
local known = redis.call('HGET', key('reply', id), 'attempt')
if known and known ~= attempt then return 0 end
redis.call('SREM', FINISHED, id)
redis.call('EXPIRE', key('reply', id), seconds)
redis.call('EXPIRE', key('text', id), seconds)
return 1
