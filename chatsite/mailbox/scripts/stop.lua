-- Stops an entry wherever it stands. A running one is flagged: its worker ends it.
local id = ARGV[1]
local got = redis.call('HMGET', key('reply', id),
  'state', 'model', 'share', 'tag', 'cost')
if not got[1] then return 'missing' end
if got[1] == 'ended' then return 'ended' end
if got[1] == 'running' then
  redis.call('HSET', key('reply', id), 'stop', '1')
  return 'flagged'
end

leave_line(id)
-- Whoever leaves with the newest tag of their share gives it back.
local last = redis.call('ZSCORE', key('tags', got[2]), got[3])
if last and tonumber(last) == tonumber(got[4]) then
  redis.call('ZINCRBY', key('tags', got[2]), -tonumber(got[5]), got[3])
end
finish(id, 'stopped', '{}')
return 'left'
