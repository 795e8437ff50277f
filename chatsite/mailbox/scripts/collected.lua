-- Lets a collected entry expire, unless it was published again in the meantime. In any
-- case it tells the pages of the owner, if there is one, and adds to the counts: ARGV ends
-- with their names and amounts.
local id, attempt, seconds, owner = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
for i = 5, #ARGV, 2 do redis.call('HINCRBYFLOAT', COUNTS, ARGV[i], ARGV[i + 1]) end
if owner ~= '' then touch(owner) end
local known = redis.call('HGET', key('reply', id), 'attempt')
if known and known ~= attempt then return 0 end
redis.call('SREM', FINISHED, id)
redis.call('ZREM', KEPT, id)
redis.call('EXPIRE', key('reply', id), seconds)
redis.call('EXPIRE', key('text', id), seconds)
redis.call('EXPIRE', logprobs_key(id), seconds)
return 1
