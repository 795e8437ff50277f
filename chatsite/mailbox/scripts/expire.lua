-- Fails an entry that has waited too long by the clock of its model.
local id, limit, ending = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local got = redis.call('HMGET', key('reply', id), 'state', 'model', 'since')
if got[1] ~= 'queued' then return 0 end
local seconds = tonumber(redis.call('HGET', key('clock', got[2]), 'seconds') or '0')
if seconds - tonumber(got[3]) <= limit then return 0 end
leave_line(id)
finish(id, 'failed', ending)
return 1
