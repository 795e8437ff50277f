-- Stops an entry in any state. A running one gets a flag, and its worker ends it. If the
-- flag is older than `patience`, the worker is gone: then the entry ends here, and what
-- the worker still writes is refused.
local id, patience = ARGV[1], tonumber(ARGV[2])
local got = redis.call('HMGET', key('reply', id),
  'state', 'model', 'share', 'tag', 'cost')
if not got[1] then return 'missing' end
if not (got[2] and got[3]) then
  forget(id)
  return 'missing'
end
if got[1] == 'ended' then return 'ended' end
if got[1] == 'running' then
  redis.call('HSETNX', key('reply', id), 'stop', stamp())
  if now() - number(redis.call('HGET', key('reply', id), 'stop'), 0) < patience then
    return 'flagged'
  end
  finish(id, 'stopped', '{}')
  return 'ended'
end

leave_line(id)
refund(got[2], got[3], number(got[4]), number(got[5], 0))
finish(id, 'stopped', '{}')
return 'left'
