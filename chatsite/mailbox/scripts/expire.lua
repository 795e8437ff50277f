-- Fails an entry that has waited too long by the clock of its model.
local id, limit, ending = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local got = redis.call('HMGET', key('reply', id), 'state', 'model', 'since')
if got[1] ~= 'queued' or not got[2] then return 0 end
local seconds, since = number(redis.call('HGET', key('clock', got[2]), 'seconds'), 0), number(got[3])
if not since then
  since = seconds
  redis.call('HSET', key('reply', id), 'since', since)
end
if seconds - since <= limit then return 0 end
leave_line(id)
finish(id, 'failed', ending)
return 1
