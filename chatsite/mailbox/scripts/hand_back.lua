-- Returns an unfinished entry to its old place, or ends it if a stop was requested. Counts
-- a fault that the entry may have caused.
local id, token, is_fault = ARGV[1], ARGV[2], ARGV[3] == '1'
if not holds(id, token) then return 'refused' end
if redis.call('HEXISTS', key('reply', id), 'stop') == 1 then
  finish(id, 'stopped', '{}')
  return 'stopped'
end
if is_fault then
  local faults = number(redis.call('HGET', key('reply', id), 'faults'), 0)
  redis.call('HSET', key('reply', id), 'faults', faults + 1)
end
stand_in_line(id)
touch_owner_of(id)
return 'kept'
