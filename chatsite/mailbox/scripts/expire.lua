-- Fails an entry that stood in line for too long by its model's own clock.
local id, limit, ending = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local got = redis.call('HMGET', key('reply', id), 'state', 'model', 'kind', 'member', 'since')
if got[1] ~= 'queued' then return 0 end
local seconds = tonumber(redis.call('HGET', key('clock', got[2]), 'seconds') or '0')
if seconds - tonumber(got[5]) <= limit then return 0 end
redis.call('ZREM', line_of(got[2], got[3]), got[4])
finish(id, 'failed', ending)
return 1
